namespace Sluice.Cli.Output;

/// <summary>A stream as JSON. The names are stable: scripts read them.</summary>
internal sealed record StreamForm(
    string Name, string Kind, int Partitions, long Kept, long Bytes, long Appended, string State, string? Failure,
    IReadOnlyList<GroupForm> Groups, IReadOnlyList<ReaderForm> Readers)
{
    public static StreamForm Of(StreamLook stream) => new(
        stream.Name, KindOf(stream), stream.Info.Options.Partitions, stream.Info.Items, stream.Info.Bytes, stream.Info.Appended,
        StateOf(stream.Info), stream.Info.End?.Failure,
        [.. stream.Groups.Select(static group => new GroupForm(group.Backlog.Name, group.Backlog.Outstanding, group.Backlog.Waiting,
            group.Backlog.Dead, group.Backlog.PausedAt, group.Backlog.IsDraining))],
        [.. stream.Info.Readers.Select(static reader => new ReaderForm(reader.Name, reader.Backlog))]);

    public static string KindOf(StreamLook stream) => stream.IsConsecutor ? "consecutor"
        : IsRun(stream.Name) ? "flow run"
        : stream.Name.StartsWith("flow-io/", StringComparison.Ordinal) ? "flow stream"
        : stream.Name.StartsWith("flow-choices/", StringComparison.Ordinal) ? "flow choices"
        : stream.Name == "flow-sweep" ? "flow sweep"
        : stream.Name.StartsWith("work/", StringComparison.Ordinal) ? "processor"
        : "stream";

    /// <summary>The backlog of the group or the reader that is the most behind.</summary>
    public static long BacklogOf(StreamLook stream)
        => stream.Info.Readers.Select(static reader => reader.Backlog).Append(stream.Backlog).Max();

    /// <summary>Whether a stream is the journal of a run of a flow.</summary>
    public static bool IsRun(string stream) => stream.StartsWith("flow/", StringComparison.Ordinal);

    /// <summary>Whether a stream is part of a run of a flow.</summary>
    public static bool IsOfFlow(string stream) => IsRun(stream) || stream == "flow-sweep"
        || stream.StartsWith("flow-io/", StringComparison.Ordinal) || stream.StartsWith("flow-choices/", StringComparison.Ordinal);

    /// <summary>The state of a stream in a table: a pause of its consecutor stands before the rest.</summary>
    public static string ShownStateOf(StreamLook stream)
        => stream.Groups.Any(static group => group.Backlog.IsDraining) ? $"{StateOf(stream.Info)}, draining"
        : stream.Groups.Any(static group => group.Backlog.PausedAt is not null) ? $"{StateOf(stream.Info)}, paused" : StateOf(stream.Info);

    public static string StateOf(StreamInfo info) => info.End is null ? "open" : info.End.IsFailure ? "failed" : "complete";
}

/// <summary>A consumer group as JSON.</summary>
internal sealed record GroupForm(string Name, long Backlog, long Waiting, long Dead, DateTimeOffset? PausedAt, bool IsDraining);

/// <summary>A reader as JSON.</summary>
internal sealed record ReaderForm(string Name, long Backlog);
