namespace Airports.Durable;

/// <summary>An accepted item: two airports by their codes, as they are kept in the store.</summary>
internal sealed record Pair(string From, string To)
{
    /// <summary>Whether one end has this code.</summary>
    public bool Has(string? code) => From.Equals(code, StringComparison.OrdinalIgnoreCase)
        || To.Equals(code, StringComparison.OrdinalIgnoreCase);

    /// <summary>What an error message calls this item.</summary>
    public override string ToString() => $"{From} -> {To}";
}
