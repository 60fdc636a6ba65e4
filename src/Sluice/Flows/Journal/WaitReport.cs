using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>Describes, for people, what a processor of a run waits for, and what holds that up in turn.</summary>
/// <remarks>
/// Based on one snapshot of the store: full streams, gates that have read everything, and the journal's reports of stuck processors. Not
/// thread-safe.
/// </remarks>
internal sealed class WaitReport(RunWatch watch, IReadOnlyDictionary<string, StreamInfo> streams,
    IReadOnlyDictionary<string, ProcessorInfo> processors)
{
    private readonly RunPlan run = watch.Plan;
    private readonly IReadOnlyDictionary<string, string> stuck = watch.Stuck, idle = watch.Idle;

    /// <returns>For example <c>room in x, read by sink, which …</c>; null if the processor has ended, or no wait is known.</returns>
    public string? Of(string processor)
    {
        HashSet<string> seen = [processor];
        return FindWait(processor) is { } wait ? Text(wait, seen) : null;
    }

    /// <summary>Whether the processor waits for room in a stream.</summary>
    public bool IsHeldUp(string processor) => FindWait(processor) is { IsForRoom: true };

    private Wait? FindWait(string name)
    {
        if (run.Find(name) is not { } plan || processors.GetValueOrDefault(name) is not
            {
                Status: FlowStatus.Waiting
            or FlowStatus.Running
            } status) return null;
        if (status.Status == FlowStatus.Running)
        {
            if (Array.Find(plan.Outputs, IsFull) is { } full) return new(full, IsForRoom: true, "room in");
            if (stuck.GetValueOrDefault(name) is { } told && plan.Outputs.Contains(told) && Open(told) is not null)
                return new(told, IsForRoom: true, "room in");
            // One dry input of several counts only if the processor reports it, or if no input has values: the function may be reading
            // another input.
            string[] dry = [.. plan.Inputs.Where(input => Backlog(input, name) == 0)];
            string? waited = idle.GetValueOrDefault(name) is { } said && dry.Contains(said) ? said
                : Array.Exists(plan.Inputs, input => Backlog(input, name) > 0) ? null : dry.FirstOrDefault();
            return waited is null ? null : new(waited, IsForRoom: false, "a value of");
        }
        if (status.NoHostFor is not null || plan.Inputs.Length == 0) return null;
        if (plan.Wait) return Array.Find(plan.Inputs, input => Open(input) is not null) is { } unended
            ? new(unended, IsForRoom: false, "the end of") : null;
        return plan.Inputs.All(input => Open(input) is { Items: 0, Appended: 0 })
            ? new(plan.Inputs[0], IsForRoom: false, "the first value of") : null;
    }

    private string Text(Wait wait, HashSet<string> seen)
    {
        string what = $"{wait.What} {wait.Stream}";
        if (wait.IsForRoom)
            return $"{what}, {(Reader(wait.Stream) is { } reader ? $"read by {reader.Who}{Then(reader.Processor, seen)}" : "which its readers have not passed")}";
        if (Array.Find(run.Processors, one => one.Outputs.Contains(wait.Stream)) is { } writer)
            return $"{what}, written by {writer.Name}{Then(writer.Name, seen)}";
        return $"{what}, put in by the service {run.Starter}, which has started the run";
    }

    /// <summary>Describes the state of a processor that another one waits for.</summary>
    private string Then(string? name, HashSet<string> seen)
    {
        if (name is null) return "";
        if (!seen.Add(name)) return ", which waits for it";
        if (processors.GetValueOrDefault(name) is not { } status) return "";
        if (FindWait(name) is { } wait) return $", which waits for {Text(wait, seen)}";
        return status switch
        {
            { Status: > FlowStatus.Running } => $", which is {status.Status.ToString().ToLowerInvariant()}",
            { NoHostFor: not null } => ", which no service hosts",
            { PausedAt: not null } => ", whose starts are paused",
            { FailedAttempts: > 0, Status: FlowStatus.Waiting } => $", which is tried again after a failure: {status.LastFailure}",
            { Status: FlowStatus.Waiting } => ", which has not begun",
            _ => $", which is at work on {status.Host}",
        };
    }

    /// <summary>The slowest reader that applies backpressure.</summary>
    private (string Who, string? Processor)? Reader(string stream)
    {
        if (streams[stream].Readers.Where(reader => reader.Options.AppliesBackpressure)
            .MaxBy(reader => reader.Backlog) is not { Backlog: > 0 } slowest) return null;
        ProcessorPlan? processor = Array.Find(run.Processors, one => ReaderNames.Gate(ReaderNames.Of(one.Name)) == slowest.Name);
        return processor is not null ? (processor.Name, processor.Name)
            : ($"{ReaderNames.Text(slowest.Name)}, which does not read on", null);
    }

    /// <summary>
    /// The number of values that a processor has still to read; null if it does not read the stream now, or the stream has ended.
    /// </summary>
    private long? Backlog(string stream, string reader)
        => Open(stream)?.Readers.FirstOrDefault(one => one.Name == ReaderNames.Gate(ReaderNames.Of(reader)))?.Backlog;

    private StreamInfo? Open(string stream) => streams.GetValueOrDefault(stream) is { End: null } info ? info : null;

    private bool IsFull(string stream)
    {
        if (Open(stream) is not { Items: > 0 } info) return false;
        long before = info.Readers.Where(reader => reader.Options.AppliesBackpressure).Select(reader => reader.Backlog).DefaultIfEmpty(0)
            .Max();
        return before >= info.Options.MaxItems || info.Bytes * (before / (double)info.Items) >= info.Options.MaxBytes;
    }

    private sealed record Wait(string Stream, bool IsForRoom, string What);
}
