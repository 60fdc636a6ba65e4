using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Sluice;

/// <summary>A run, as far as those who watch it need to know.</summary>
internal interface IObservedRun
{
    RunSnapshot Snapshot();

    Activity? Span { get; set; }
}

/// <summary>
/// The meter and the activity source named <c>Sluice</c>. Figures are read from the runs' counters when somebody
/// collects them; when nobody listens, a run costs one entry in a list.
/// </summary>
internal static class Telemetry
{
    private static readonly ActivitySource Spans = new("Sluice");
    private static readonly Meter Meter = new("Sluice");
    private static readonly Lock Sync = new();
    private static readonly HashSet<IObservedRun> Runs = [];
    private static readonly Counter<long> Ended = Meter.CreateCounter<long>("sluice.runs", "{run}", "Runs that have ended, by how.");

    static Telemetry()
    {
        Meter.CreateObservableUpDownCounter("sluice.runs.active", () => Live().Length, "{run}", "Runs under way.");
        Meter.CreateObservableCounter("sluice.node.items.in", () => PerNode(node => node.In), "{item}", "Items that went into a node.");
        Meter.CreateObservableCounter("sluice.node.items.out", () => PerNode(node => node.Out), "{item}", "Items that came out of a node.");
        Meter.CreateObservableCounter("sluice.node.items.failed", () => PerNode(node => node.Failed), "{item}", "Items that failed at a node for good.");
        Meter.CreateObservableCounter("sluice.node.items.retried", () => PerNode(node => node.Retried), "{item}", "Attempts beyond the first.");
        Meter.CreateObservableGauge("sluice.node.queued", () => PerNode(node => node.Queued), "{item}", "Items that wait in front of a node.");
        Meter.CreateObservableGauge("sluice.node.blocked", () => PerNode(node => node.Activity == NodeActivity.Blocked ? 1 : 0), "{node}", "Whether a node is blocked by a full edge.");
    }

    public static void RunStarted(IObservedRun run)
    {
        if (Spans.HasListeners()) run.Span = Spans.StartActivity("sluice.run");
        lock (Sync) Runs.Add(run);
    }

    public static void RunEnded(IObservedRun run, RunState how, Exception? failure)
    {
        lock (Sync) Runs.Remove(run);
        if (Ended.Enabled) Ended.Add(1, new KeyValuePair<string, object?>("outcome", how.ToString().ToLowerInvariant()));
        if (run.Span is not { } span) return;
        if (failure is not null) span.SetStatus(ActivityStatusCode.Error, failure.Message);
        span.Dispose();
    }

    private static IObservedRun[] Live()
    {
        lock (Sync) return [.. Runs];
    }

    // Runs of one pipeline, or of several with equal names of nodes, are added up by whoever collects.
    private static IEnumerable<Measurement<long>> PerNode(Func<NodeSnapshot, long> figure)
        => from run in Live()
           from node in run.Snapshot().Nodes
           group figure(node) by node.Name into byName
           select new Measurement<long>(byName.Sum(), new KeyValuePair<string, object?>("node", byName.Key));
}
