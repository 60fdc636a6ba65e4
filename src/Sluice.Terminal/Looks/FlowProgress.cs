using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Progress.Looks;

/// <summary>The progress of a run of a flow: its processors, and the values that they have written.</summary>
internal sealed class FlowProgress(FlowRun run, string title, TimeProvider time) : IProgressSource
{
    private readonly long began = time.GetTimestamp();
    private FlowRunInfo? last;

    /// <summary>A look costs a query for each stream.</summary>
    public TimeSpan MinInterval => TimeSpan.FromSeconds(1);

    public async ValueTask<ProgressLook> LookAsync(CancellationToken cancellation)
    {
        string? problem = null;
        try
        {
            last = await run.GetStatusAsync(cancellation).ConfigureAwait(false);
        }
        catch (StreamStoreException away)
        {
            problem = away.Message;                  // the display shows it, and asks again
        }
        if (last is not { } info)
            return new(title, "unknown", 0, null, "processors", TimeSpan.Zero) { Problem = problem, HasEstimate = false };
        ProcessorInfo[] working = [.. info.Processors.Where(static one => one is { Status: FlowStatus.Running, WaitsFor: null })];
        TimeSpan elapsed = info.EndedAt is { } ended ? ended - info.StartedAt : time.GetElapsedTime(began);
        return new(title, NameOf(info.Status), info.Processors.Count(static one => one.Status > FlowStatus.Running), info.Processors.Count,
            "processors", elapsed)
        {
            Rows = [.. info.Processors.Select(one => RowOf(info, one))],
            // One works, and another waits.
            Bottleneck = working is [var only] && info.Processors.Any(static one => one.WaitsFor is not null) ? only.Name : null,
            Problem = problem ?? info.Processors.FirstOrDefault(static one => one.Origin == one.Name)?.Error,
            IsOver = info.Status > FlowStatus.Running,
            HasEstimate = false,
        };
    }

    private static ProgressRow RowOf(FlowRunInfo info, ProcessorInfo processor)
    {
        long written = 0, unread = 0;
        if (info.Topology is { } topology && topology.TryFind(processor.Name, out var node))
        {
            HashSet<string?> outputs = [.. topology.Outgoing(node).Select(static edge => edge.Port)];
            foreach (FlowStreamInfo stream in info.Streams)
                if (outputs.Contains(stream.Name)) written += stream.Written;
        }
        // The store keeps more: the inputs of a processor that resumes from scratch until its end, and what other readers have not read.
        foreach (FlowStreamInfo stream in info.Streams)
            unread += stream.Readers.Where(one => one.Processor == processor.Name).Sum(static one => one.Unread);
        string state = processor.WaitsFor is { } reason ? $"waits for {reason}"
            : processor.NoHostFor is not null ? "no host" : processor.PausedAt is not null ? "paused" : NameOf(processor.Status);
        return new(processor.Name, written, unread, processor.FailedAttempts, state);
    }

    private static string NameOf(FlowStatus status) => status.ToString().ToLowerInvariant();
}
