using System.Text.Json.Serialization;
using Sluice;

namespace Payments;

/// <summary>How payments are written: by their senders, and in the store. What is missing, null, unknown or there twice is an error that
/// says where.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Payment))]
[JsonSerializable(typeof(Account))]
[JsonSerializable(typeof(Booking))]
[JsonSerializable(typeof(Rejection))]
[JsonSerializable(typeof(decimal))]
[JsonSerializable(typeof(Window<decimal>))]
[JsonSerializable(typeof(Total))]
internal sealed partial class PaymentsJson : JsonSerializerContext;
