using System.Text.Json.Serialization;

namespace Orders;

/// <summary>What a customer posts.</summary>
/// <param name="Id">Chosen by the customer: an order that is posted again under its id is placed once.</param>
/// <param name="Customer">Who orders.</param>
/// <param name="Product">What is ordered.</param>
/// <param name="Quantity">How many, at least 1.</param>
/// <param name="Card">The number of a card. A card that begins with <c>declined</c> cannot pay.</param>
internal sealed record Order(Guid Id, string Customer, string Product, int Quantity, string Card);

/// <summary>The event: an order was placed.</summary>
/// <param name="Id">The order.</param>
/// <param name="Product">What was ordered.</param>
/// <param name="Quantity">How many.</param>
/// <param name="Left">What was left in stock after this order.</param>
internal sealed record OrderPlaced(Guid Id, string Product, int Quantity, int Left);

/// <summary>The state of a product: how many orders were sold, and how many pieces.</summary>
internal readonly record struct Sold(int Orders, int Pieces);

/// <summary>A line of the sales book: the order, its number among the orders of its product, and the pieces sold up to it.</summary>
internal sealed record Sale(OrderPlaced Order, int Number, int Pieces);

/// <summary>How orders and events are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(OrderPlaced))]
[JsonSerializable(typeof(Sold))]
[JsonSerializable(typeof(Sale))]
internal sealed partial class OrdersJson : JsonSerializerContext;
