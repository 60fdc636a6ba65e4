using Sluice.Flows;
using Sluice.Topologies;

namespace Sluice.Diagnostics;

/// <summary>The state of a run, or of a processor in a run.</summary>
public enum FlowStatus
{
    /// <summary>
    /// It is dispatched, and waits for its inputs, for a service that hosts it (<see cref="ProcessorInfo.NoHostFor"/>), or for the end of a
    /// pause (<see cref="ProcessorInfo.PausedAt"/>).
    /// </summary>
    Waiting,

    /// <summary>It is running.</summary>
    Running,

    /// <summary>It has completed successfully.</summary>
    Completed,

    /// <summary>It has failed, or one of its processors has failed.</summary>
    Failed,

    /// <summary>It was cancelled.</summary>
    Cancelled,
}

/// <summary>A report on one processor of a run, at one moment.</summary>
/// <param name="Name">The name of the processor.</param>
/// <param name="Status">The state of the processor.</param>
/// <param name="Host">The service that runs it, or ran it last; null if none has.</param>
/// <param name="Starts">The number of starts.</param>
/// <param name="Error">The failure; null if the processor has not failed.</param>
/// <param name="Origin">The processor that failed first; null if none has.</param>
public sealed record ProcessorInfo(string Name, FlowStatus Status, string? Host, int Starts, string? Error, string? Origin)
{
    /// <summary>
    /// How long this service has seen no host for the processor; null if there is a host, if the processor has ended, and in lists of runs.
    /// </summary>
    /// <remarks>
    /// Zero at the first look. Without a host, the processor makes no progress.
    /// A dead host counts as a host until it has been silent for <see cref="SupervisorOptions.LeaseDuration"/>.
    /// </remarks>
    public TimeSpan? NoHostFor { get; init; }

    /// <summary>
    /// Since when the starts of the processor are paused (<c>sluice pause STORE work/NAME:hosts</c>), by the store's clock; null if they
    /// are not, if the processor has begun, and in lists of runs.
    /// </summary>
    public DateTimeOffset? PausedAt { get; init; }

    /// <summary>
    /// Which stream the processor waits for, and who holds that up; null if it has ended, is working, or is in a list of runs.
    /// </summary>
    /// <remarks>
    /// A text for people, for example <c>room in x, read by sink, which waits for a value of y, written by source, which waits for it</c>.
    /// </remarks>
    public string? WaitsFor { get; init; }

    /// <summary>Whether it waits for room in a stream.</summary>
    internal bool IsHeldUp { get; init; }

    /// <summary>The number of consecutive failed attempts (<see cref="Processor.Retry"/>).</summary>
    public int FailedAttempts { get; init; }

    /// <summary>The error of the last failed attempt; null if none has failed.</summary>
    public string? LastFailure { get; init; }

    /// <summary>What it did when, oldest first: the last 50 periods. Empty in lists of runs.</summary>
    public IReadOnlyList<ProcessorPeriod> Periods { get; init; } = [];
}

/// <summary>A report on one stream of a run, at one moment.</summary>
/// <param name="Name">The name of the stream.</param>
/// <param name="Written">The number of values written.</param>
/// <param name="Kept">The number of values that the store holds.</param>
/// <param name="Bytes">The size of the kept payloads in bytes; a store may count whole chunks.</param>
/// <param name="IsComplete">Whether the stream has ended, successfully or not.</param>
public sealed record FlowStreamInfo(string Name, long Written, long Kept, long Bytes, bool IsComplete)
{
    /// <summary>Whether its values were given when the run was started.</summary>
    public bool IsInput { get; init; }

    /// <summary>Whether the service that started the run can read it.</summary>
    public bool IsResult { get; init; }

    /// <summary>Whether all of its values are in the store: none has left it, and no more are to come.</summary>
    public bool IsWhole { get; init; }

    /// <summary>Its readers, by name. A reader that has ended is not among them.</summary>
    public IReadOnlyList<FlowReaderInfo> Readers { get; init; } = [];
}

/// <summary>A report on one run, at one moment.</summary>
/// <param name="Run">The id of the run.</param>
/// <param name="Status">The state of the run.</param>
/// <param name="StartedBy">The service that started the run.</param>
/// <param name="StartedAt">The time of the start, by the store's clock.</param>
/// <param name="EndedAt">The time at which the last processor ended; null while one has not.</param>
/// <param name="Processors">The processors, in the order of the flow.</param>
/// <param name="Streams">The streams, in the order of the run's plan; empty in lists of runs.</param>
public sealed record FlowRunInfo(
    string Run, FlowStatus Status, string StartedBy, DateTimeOffset StartedAt, DateTimeOffset? EndedAt,
        IReadOnlyList<ProcessorInfo> Processors, IReadOnlyList<FlowStreamInfo> Streams)
{
    /// <summary>The processors and streams as a graph; null if the report has none.</summary>
    /// <remarks>Types are unknown: the store has their names only.</remarks>
    public Topology? Topology => Drawing;

    /// <summary>The time of the cancellation; null if it was not cancelled.</summary>
    internal DateTimeOffset? CancelledAt { get; init; }

    internal Topology? Drawing { get; init; }

    /// <summary>Draws the flow as text, with each processor's state, its starts, and the number of values it has written.</summary>
    public string ToText() => Drawing?.ToText(Label) ?? Run;

    /// <summary>Draws the flow for Mermaid, with the labels of <see cref="ToText"/>.</summary>
    public string ToMermaid() => Drawing?.ToMermaid(Label) ?? "";

    /// <summary>Draws the flow for Graphviz, with the labels of <see cref="ToText"/>.</summary>
    public string ToDot() => Drawing?.ToDot(Label) ?? "";

    /// <summary>Draws the flow as a picture in SVG, with the labels of <see cref="ToText"/>.</summary>
    /// <param name="theme">The colors.</param>
    public string ToSvg(SvgTheme theme = SvgTheme.Auto) => Drawing?.ToSvg(Label, theme) ?? "";

    private string? Label(TopologyNode node)
    {
        string written = string.Join(", ", Drawing!.Outgoing(node).Select(edge => edge.Port).Distinct()
            .Select(port => Streams.FirstOrDefault(stream => stream.Name == port))
            .OfType<FlowStreamInfo>().Select(stream => $"{stream.Name} {stream.Written:N0}"));
        if (Processors.FirstOrDefault(processor => processor.Name == node.Name) is not { } found)
            return written.Length > 0 ? written : null;
        string[] notes = [.. found.Starts > 1 ? [$"start {found.Starts}"] : (string[])[], .. found.FailedAttempts > 0
            ? [$"{found.FailedAttempts} failed"] : (string[])[],
            .. found.IsHeldUp ? [$"waits for {found.WaitsFor}"] : (string[])[], .. found.PausedAt is { } since
                ? [$"paused since {since:u}"] : (string[])[], .. found.NoHostFor is { } silence
                ? [$"no host{For(silence)}"] : (string[])[]];
        string state = found.Status.ToString().ToLowerInvariant()
            + (found is { Status: FlowStatus.Running, NoHostFor: not null } ? $" on {found.Host}, which is silent" : "")
            + (notes.Length > 0 ? $" ({string.Join(", ", notes)})" : "");
        return written.Length > 0 ? $"{state}, {written}" : state;
    }

    private static string For(TimeSpan span)
        => span < TimeSpan.FromSeconds(1) ? ""
            : span < TimeSpan.FromMinutes(2) ? $" for {(int)span.TotalSeconds} s"
            : span < TimeSpan.FromHours(2) ? $" for {(int)span.TotalMinutes} min"
            : $" for {(long)span.TotalHours} h";
}
