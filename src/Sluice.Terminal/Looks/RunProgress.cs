using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice.Progress.Looks;

/// <summary>The progress of a run of a pipeline.</summary>
internal sealed class RunProgress(PipelineRun run, string? title, long? expected) : IProgressSource
{
    private readonly BottleneckFinder bottlenecks = new(run.Topology);

    public TimeSpan MinInterval => TimeSpan.Zero;

    public async ValueTask<ProgressLook> LookAsync(CancellationToken cancellation)
    {
        RunSnapshot snapshot = run.Snapshot();
        bool isOver = snapshot.Status >= RunStatus.Completed;
        return new(title ?? run.Topology.Name ?? "run", NameOf(snapshot.Status), DoneIn(snapshot), expected, "items", snapshot.Elapsed)
        {
            Rows = [.. snapshot.Nodes.Select(RowOf)],
            Bottleneck = bottlenecks.Find(snapshot),
            Problem = isOver ? await WhyAsync(cancellation).ConfigureAwait(false)
                : snapshot.StillRunning.Count > 0 ? $"does not stop: {string.Join(", ", snapshot.StillRunning)}" : null,
            IsOver = isOver,
            DoneBefore = snapshot.SentBefore ?? 0,
        };
    }

    /// <summary>The row of a node: a source has done what it has put out, another node what it has taken.</summary>
    public static ProgressRow RowOf(NodeSnapshot node) => new(node.Name, node.Node.InputType is null ? node.Out : node.In, node.Queued,
        node.Failed, node.BlockedOn is { } edge ? $"blocked on {edge}" : NameOf(node.Activity));

    // Only the sources' items tell without tracking how far a run is. The last item of earlier runs is produced again, and skipped.
    private static long DoneIn(RunSnapshot snapshot)
    {
        long done = snapshot.Roots is { } roots ? roots.Completed + roots.Skipped + roots.Failed
            : snapshot.Nodes.Where(static node => node.Node.InputType is null).Sum(static node => node.Out);
        return snapshot.SentBefore is > 0 and var before ? before + done - ((snapshot.Roots?.Skipped ?? done) > 0 ? 1 : 0) : done;
    }

    // The run is over, so its completion is, too, or will be in a moment.
    private async ValueTask<string?> WhyAsync(CancellationToken cancellation)
    {
        await run.Completion.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return run.Completion.Exception?.InnerException?.Message;
    }

    private static string NameOf<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
}
