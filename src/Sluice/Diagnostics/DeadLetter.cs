namespace Sluice;

/// <summary>
/// An item that failed for good: at a stage annotated with <see cref="ErrorPolicy.DeadLetter"/>, or in a consecutor after its last attempt.
/// </summary>
/// <param name="Node">Where it failed.</param>
/// <param name="Item">
/// The item, as it entered that node; in a consecutor read anew from its payload: the item that was accepted where it is that which is kept. Null if it cannot be read.
/// </param>
/// <param name="Error">What the last attempt threw: its type and message.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="At">When it was given up, by the run's clock, or the store's.</param>
public sealed record DeadLetter(string Node, object? Item, string Error, int Attempts, DateTimeOffset At)
{
    /// <summary>What the last attempt threw, where that was in this process; else null.</summary>
    public Exception? Exception { get; init; }

    /// <summary>The id of the accepted item that it comes from (<c>ItemContext.Id</c>); empty outside of consecutors.</summary>
    public string Id { get; init; } = "";

    /// <summary>Its number in the consecutor, from one; zero outside of consecutors. An item that died in several parts has as many letters.</summary>
    public long Number { get; init; }

    /// <summary>The way through the nodes that led there; empty if it is not known.</summary>
    public string Path { get; init; } = "";

    /// <summary>When the item was accepted, by the store's clock; null outside of consecutors.</summary>
    public DateTimeOffset? AcceptedAt { get; init; }

    /// <summary>The version of the code that wrote the payload.</summary>
    public int CodeVersion { get; init; }

    /// <summary>Whether a redrive enters at <see cref="Node"/>; otherwise at the start of the pipeline, with the item that was accepted.</summary>
    public bool EntersAtNode { get; init; }

    /// <summary>What is kept of it; empty outside of consecutors.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>For example <c>ATL failed in Geocode after 4 attempts: no such address</c>.</summary>
    /// <remarks>A long item is cut. An item or an exception that cannot say what it is does not hide the rest.</remarks>
    public override string ToString()
        => $"{ItemText.Of(Item ?? Id)} failed in {Node} after {Attempts} attempt{(Attempts == 1 ? "" : "s")}: {(Exception is null ? Error : FailureText.MessageOf(Exception))}";
}
