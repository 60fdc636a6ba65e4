using System.Globalization;
using System.Text.Json;

namespace Payments.Serving;

/// <summary>The files that are written, line by line.</summary>
internal static class Lines
{
    public const string LedgerHeader = "account,number,amount,payee,balance";
    public const string TotalsHeader = "from,to,payments,amount";

    public static string Of(Booking booking)
        => string.Create(CultureInfo.InvariantCulture,
        $"{Quoted(booking.Account)},{booking.Number},{booking.Amount},{Quoted(booking.Payee)},{booking.Balance}");

    public static string Of(Total total) => string.Create(CultureInfo.InvariantCulture,
        $"{total.From:u},{total.To:u},{total.Payments},{total.Amount}");

    public static string Of(Rejection rejection) => JsonSerializer.Serialize(rejection, PaymentsJson.Default.Rejection);

    // RFC 4180; names have no line breaks (Validate).
    private static string Quoted(string name) => name.AsSpan().ContainsAny(',', '"')
        ? $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : name;
}
