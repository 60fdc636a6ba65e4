namespace Sluice.Diagnostics;

/// <summary>
/// A dead letter: an item that failed for good, at a stage with <see cref="ErrorPolicy.DeadLetter"/>, or in a consecutor after its last
/// attempt.
/// </summary>
/// <param name="Node">The node where it failed.</param>
/// <param name="Item">
/// The item as it entered that node. In a consecutor it is read from the stored payload, which may be the accepted item. Null if it cannot
/// be read.
/// </param>
/// <param name="Error">The exception of the last attempt: its type and message.</param>
/// <param name="Attempts">The number of its attempts.</param>
/// <param name="At">The time of the last failure, by the run's clock or the store's.</param>
public sealed record DeadLetter(string Node, object? Item, string Error, int Attempts, DateTimeOffset At)
{
    /// <summary>The exception of the last attempt, if it was thrown in this process; else null.</summary>
    public Exception? Exception { get; init; }

    /// <summary>
    /// The calls that led to the failure, the last one first, a line each, as a consecutor has stored them; empty outside of consecutors,
    /// and in a storm: a consecutor stores the stacks of the first 100 letters of a second.
    /// </summary>
    public string Stack { get; init; } = "";

    /// <summary>The id of the accepted item that it came from (<c>ItemContext.Id</c>); empty outside of consecutors.</summary>
    public string Id { get; init; } = "";

    /// <summary>
    /// The number in the consecutor, from one; zero outside of consecutors. Each part of an item that fails has its own letter.
    /// </summary>
    public long Number { get; init; }

    /// <summary>The path through the nodes; empty if unknown.</summary>
    public string Path { get; init; } = "";

    /// <summary>The time when the item was accepted, by the store's clock; null outside of consecutors.</summary>
    public DateTimeOffset? AcceptedAt { get; init; }

    /// <summary>The version of the code that wrote the payload.</summary>
    public int CodeVersion { get; init; }

    /// <summary>
    /// Whether a redrive enters at <see cref="Node"/>; otherwise it enters at the start of the pipeline, with the accepted item.
    /// </summary>
    public bool EntersAtNode { get; init; }

    /// <summary>The stored payload; empty outside of consecutors.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Formats the letter; for example <c>ATL failed in Geocode after 4 attempts: no such address</c>.</summary>
    /// <remarks>Long items are truncated. An item or exception whose <c>ToString</c> fails does not hide the rest.</remarks>
    public override string ToString()
        => $"{ItemText.Of(Item ?? Id)} failed in {Node} after {Attempts} "
        + $"attempt{(Attempts == 1 ? "" : "s")}: {(Exception is null ? Error : FailureText.MessageOf(Exception))}";
}
