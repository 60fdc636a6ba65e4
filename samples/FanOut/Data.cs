namespace FanOut;

/// <summary>What is asked for.</summary>
internal sealed record ProductRequest(int Id);

// What the backends answer. Their names must differ: all of it ends in one JSON object.
internal sealed record Product(string Sku, string Title);

internal sealed record Price(decimal Amount, string Currency);

internal sealed record Stock(int Available);

internal sealed record Reviews(int Count, double Stars);

internal sealed record Shipping(int Days, string Carrier);
