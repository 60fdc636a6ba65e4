namespace Sluice;

/// <summary>How far a run, or a processor of one, has come.</summary>
public enum FlowState
{
    /// <summary>It is dispatched, and waits for its inputs, or for a service that hosts it (<see cref="ProcessorStatus.NoHostFor"/>).</summary>
    Waiting,

    /// <summary>It is at work.</summary>
    Running,

    /// <summary>It has ended well.</summary>
    Completed,

    /// <summary>It has failed, or a processor of it has.</summary>
    Failed,

    /// <summary>It was cancelled.</summary>
    Cancelled,
}

/// <summary>A processor of a run, at a moment.</summary>
/// <param name="Name">The processor.</param>
/// <param name="State">How far it has come.</param>
/// <param name="Host">The service that runs it, or did last; null if none has.</param>
/// <param name="Starts">How often it was started.</param>
/// <param name="Error">Why it failed; null if it did not.</param>
/// <param name="Origin">The processor that failed first; null if none did.</param>
public sealed record ProcessorStatus(string Name, FlowState State, string? Host, int Starts, string? Error, string? Origin)
{
    /// <summary>
    /// How long the service that asks has seen no service that hosts this processor, although it has not ended: it stands still until one comes. Zero when it has looked for the first time; null if one hosts it, and in lists of
    /// runs. A host that has died counts until it has been silent for <see cref="SupervisorOptions.LeaseDuration"/>, from the first look on.
    /// </summary>
    public TimeSpan? NoHostFor { get; init; }

    /// <summary>
    /// What it waits for, and what that waits for in turn, for people: for example <c>room in x, read by sink, which waits for a value of y, written by source, which waits for it</c>. Null if it has ended, is at work, or is in a list of runs.
    /// </summary>
    public string? WaitsFor { get; init; }

    /// <summary>Whether it waits for room in a stream.</summary>
    internal bool IsHeldUp { get; init; }

    /// <summary>How many attempts have failed one behind the other (<see cref="Processor.Retry"/>).</summary>
    public int FailedAttempts { get; init; }

    /// <summary>What the last of them said; null if none has failed.</summary>
    public string? LastFailure { get; init; }
}

/// <summary>A stream of a run, at a moment.</summary>
/// <param name="Name">The stream.</param>
/// <param name="Written">How many values were written.</param>
/// <param name="Kept">How many of them the store holds.</param>
/// <param name="Bytes">Their payloads, in bytes; stores may count whole chunks.</param>
/// <param name="IsComplete">Whether it has ended, well or not.</param>
public sealed record FlowStreamStatus(string Name, long Written, long Kept, long Bytes, bool IsComplete);

/// <summary>A run at a moment.</summary>
/// <param name="Run">Its id.</param>
/// <param name="State">How far it has come.</param>
/// <param name="StartedBy">The service that has started it.</param>
/// <param name="StartedAt">When, by the store's clock.</param>
/// <param name="EndedAt">When the last processor ended; null if not all have.</param>
/// <param name="Processors">Its processors, as in the flow.</param>
/// <param name="Streams">Its streams, by name; empty in lists of runs.</param>
public sealed record FlowStatus(
    string Run, FlowState State, string StartedBy, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, IReadOnlyList<ProcessorStatus> Processors, IReadOnlyList<FlowStreamStatus> Streams)
{
    internal Topology? Drawing { get; init; }

    /// <summary>The picture of the flow, with the state of each processor, how often it was started and what it has written.</summary>
    public string ToText() => Drawing?.ToText(Label) ?? Run;

    /// <summary>The same for Mermaid.</summary>
    public string ToMermaid() => Drawing?.ToMermaid(Label) ?? "";

    /// <summary>The same for Graphviz.</summary>
    public string ToDot() => Drawing?.ToDot(Label) ?? "";

    private string? Label(TopologyNode node)
    {
        string written = string.Join(", ", Drawing!.Outgoing(node).Select(edge => edge.Port).Distinct().Select(port => Streams.FirstOrDefault(stream => stream.Name == port))
            .OfType<FlowStreamStatus>().Select(stream => $"{stream.Name} {stream.Written:N0}"));
        if (Processors.FirstOrDefault(processor => processor.Name == node.Name) is not { } found) return written.Length > 0 ? written : null;
        string[] notes = [.. found.Starts > 1 ? [$"start {found.Starts}"] : (string[])[], .. found.FailedAttempts > 0 ? [$"{found.FailedAttempts} failed"] : (string[])[],
            .. found.IsHeldUp ? [$"waits for {found.WaitsFor}"] : (string[])[], .. found.NoHostFor is { } silence ? [$"no host{For(silence)}"] : (string[])[]];
        string state = found.State.ToString().ToLowerInvariant() + (notes.Length > 0 ? $" ({string.Join(", ", notes)})" : "");
        return written.Length > 0 ? $"{state}, {written}" : state;
    }

    private static string For(TimeSpan span)
        => span < TimeSpan.FromSeconds(1) ? ""
            : span < TimeSpan.FromMinutes(2) ? $" for {(int)span.TotalSeconds} s"
            : span < TimeSpan.FromHours(2) ? $" for {(int)span.TotalMinutes} min"
            : $" for {(long)span.TotalHours} h";
}
