using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Sluice.Diagnostics;

/// <summary>A run, as telemetry sees it.</summary>
internal interface IObservedRun
{
    RunSnapshot Snapshot();

    Activity? Span { get; set; }

    /// <summary>The next newer live run. Owned by <see cref="Telemetry"/>, under its lock.</summary>
    IObservedRun? Before { get; set; }

    /// <summary>The next older live run. Owned by <see cref="Telemetry"/>, under its lock.</summary>
    IObservedRun? Behind { get; set; }
}

/// <summary>
/// The meter and the activity source <c>Sluice</c>. Collection reads the counters of the runs. Without a listener, telemetry costs nothing
/// per item, and one list entry per run.
/// </summary>
internal static class Telemetry
{
    internal static readonly ActivitySource Spans = new("Sluice");
    internal static readonly Meter Meter = new("Sluice");
    private static readonly Lock Sync = new();
    private static IObservedRun? runs;               // the newest; a linked list, so that adding and removing is cheap
    private static readonly Dictionary<string, Totals> OfEndedRuns = [];
    private static readonly Counter<long> Ended = Meter.CreateCounter<long>("sluice.runs", "{run}", "Runs that have ended, by how.");
    private static readonly Instrument[] Counters =
    [
        Meter.CreateObservableCounter("sluice.node.items.in", () => PerNode(node => node.In), "{item}", "Items that went into a node."),
        Meter.CreateObservableCounter("sluice.node.items.out", () => PerNode(node => node.Out), "{item}", "Items that came out of a node."),
        Meter.CreateObservableCounter("sluice.node.items.failed", () => PerNode(node => node.Failed), "{item}",
            "Items that failed at a node for good."),
        Meter.CreateObservableCounter("sluice.node.items.retried", () => PerNode(node => node.Retried), "{item}",
            "Attempts beyond the first."),
    ];

    // The maximum number of node names remembered after their runs have ended; further ones share one name.
    private const int MaxNames = 1000;
    private const string OtherNames = "(other)";

    static Telemetry()
    {
        Meter.CreateObservableUpDownCounter("sluice.runs.active", () => Live().Length, "{run}", "Runs in progress.");
        Meter.CreateObservableGauge("sluice.node.queued", () => PerLiveNode(node => node.Queued), "{item}",
            "Items that wait in front of a node.");
        Meter.CreateObservableGauge("sluice.node.blocked", () => PerLiveNode(node => node.Activity == NodeActivity.Blocked ? 1 : 0),
            "{node}",
            "How many nodes of a name are blocked by a full edge.");
    }

    /// <summary>Registers a run, before it can end. The caller's current span stays: the run outlives the call.</summary>
    public static void RunStarted(IObservedRun run)
    {
        if (Spans.HasListeners()) run.Span = Start("sluice.run");
        lock (Sync)
        {
            run.Behind = runs;
            if (runs is { } newest) newest.Before = run;
            runs = run;
        }
    }

    public static void RunEnded(IObservedRun run, RunStatus how, Exception? failure)
    {
        bool counted = false;
        foreach (Instrument counter in Counters) counted |= counter.Enabled;
        lock (Sync)
        {
            // Counters only grow: the counts of a run stay after its end.
            if (TryRemove(run) && counted)
                foreach (NodeSnapshot node in run.Snapshot().Nodes) AddTo(OfEndedRuns, node, MaxNames);
        }
        string outcome = OutcomeOf(how);
        try
        {
            if (Ended.Enabled) Ended.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
        }
        catch (Exception e)
        {
            Report(e);
        }
        if (run.Span is { } span) End(span, outcome, failure);
    }

    /// <summary>
    /// Starts the span of a step's call in the caller's trace, and makes it current for the body. Null without a listener.
    /// </summary>
    public static Activity? StepStarted(string step)
    {
        if (!Spans.HasListeners()) return null;
        if (Start("sluice.step") is not { } span) return null;
        span.DisplayName = step;
        Activity.Current = span;
        return span;
    }

    /// <summary>Ends the span of a step's call, perhaps on another thread, whose current span stays.</summary>
    public static void StepEnded(Activity span, string outcome, Exception? failure)
    {
        End(span, outcome, failure);
        if (ReferenceEquals(Activity.Current, span)) Activity.Current = span.Parent;
    }

    // Dashboards filter by these texts, so they do not follow names in the code.
    private static string OutcomeOf(RunStatus how) => how switch
    {
        RunStatus.Running => "running",
        RunStatus.Draining => "draining",
        RunStatus.Stopping => "stopping",
        RunStatus.Completed => "completed",
        RunStatus.Failed => "failed",
        _ => "cancelled",
    };

    /// <summary>Starts a span without making it current.</summary>
    private static Activity? Start(string name)
    {
        Activity? outer = Activity.Current;
        try
        {
            return Spans.StartActivity(name);
        }
        catch (Exception e)
        {
            Report(e);
            return null;
        }
        finally
        {
            Activity.Current = outer;
        }
    }

    private static void End(Activity span, string outcome, Exception? failure)
    {
        Activity? outer = Activity.Current;
        span.SetTag("outcome", outcome);
        if (failure is not null) span.SetStatus(ActivityStatusCode.Error, failure.Message);
        try
        {
            span.Dispose();
        }
        catch (Exception e)
        {
            Report(e);
        }
        Activity.Current = outer;
    }

    /// <summary>Warns about an exception of a listener, which runs on threads of runs and timers, where nothing would catch it.</summary>
    private static void Report(Exception failure)
        => Warnings.Tell($"A listener of the activity source or the meter 'Sluice' has thrown: {failure.Message}");

    /// <summary>All live runs. Requires the lock.</summary>
    private static IEnumerable<IObservedRun> All()
    {
        for (IObservedRun? run = runs; run is not null; run = run.Behind) yield return run;
    }

    /// <summary>Removes a run. Requires the lock.</summary>
    private static bool TryRemove(IObservedRun run)
    {
        if (!ReferenceEquals(runs, run) && run.Before is null) return false;
        if (run.Before is { } before) before.Behind = run.Behind;
        else runs = run.Behind;
        if (run.Behind is { } behind) behind.Before = run.Before;
        run.Before = run.Behind = null;
        return true;
    }

    private static IObservedRun[] Live()
    {
        lock (Sync) return [.. All()];
    }

    // Under the lock, so that a run counts either as live or as ended.
    private static List<Measurement<long>> PerNode(Func<Totals, long> figure)
    {
        lock (Sync)
        {
            var totals = new Dictionary<string, Totals>(OfEndedRuns);
            foreach (IObservedRun run in All())
                foreach (NodeSnapshot node in run.Snapshot().Nodes) AddTo(totals, node, MaxNames);
            return [.. totals.Select(total => Measure(total.Key, figure(total.Value)))];
        }
    }

    private static IEnumerable<Measurement<long>> PerLiveNode(Func<NodeSnapshot, long> figure)
        => from run in Live()
           from node in run.Snapshot().Nodes
           group figure(node) by node.Name into byName
           select Measure(byName.Key, byName.Sum());

    private static Measurement<long> Measure(string node, long value) => new(value, new KeyValuePair<string, object?>("node", node));

    private static void AddTo(Dictionary<string, Totals> totals, NodeSnapshot node, int maxNames)
    {
        string name = totals.Count < maxNames || totals.ContainsKey(node.Name) ? node.Name : OtherNames;
        Totals known = totals.GetValueOrDefault(name);
        totals[name] = new(known.In + node.In, known.Out + node.Out, known.Failed + node.Failed, known.Retried + node.Retried);
    }

    private readonly record struct Totals(long In, long Out, long Failed, long Retried);
}
