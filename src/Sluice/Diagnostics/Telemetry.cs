using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Sluice;

/// <summary>A run, as far as those who watch it need to know.</summary>
internal interface IObservedRun
{
    RunSnapshot Snapshot();

    Activity? Span { get; set; }

    /// <summary>The next newer one of those that live; belongs to <see cref="Telemetry"/>, as its lock does.</summary>
    IObservedRun? Before { get; set; }

    /// <summary>The next older one.</summary>
    IObservedRun? Behind { get; set; }
}

/// <summary>
/// The meter and the activity source named <c>Sluice</c>. Figures are read from the runs' counters when somebody
/// collects them; when nobody listens, a run costs one entry in a list and an item nothing.
/// </summary>
internal static class Telemetry
{
    internal static readonly ActivitySource Spans = new("Sluice");
    internal static readonly Meter Meter = new("Sluice");
    private static readonly Lock Sync = new();
    private static IObservedRun? runs;               // the newest; each knows its neighbours, so that coming and going is cheap
    private static readonly Dictionary<string, Totals> OfEndedRuns = [];
    private static readonly Counter<long> Ended = Meter.CreateCounter<long>("sluice.runs", "{run}", "Runs that have ended, by how.");
    private static readonly Instrument[] Counters =
    [
        Meter.CreateObservableCounter("sluice.node.items.in", () => PerNode(node => node.In), "{item}", "Items that went into a node."),
        Meter.CreateObservableCounter("sluice.node.items.out", () => PerNode(node => node.Out), "{item}", "Items that came out of a node."),
        Meter.CreateObservableCounter("sluice.node.items.failed", () => PerNode(node => node.Failed), "{item}", "Items that failed at a node for good."),
        Meter.CreateObservableCounter("sluice.node.items.retried", () => PerNode(node => node.Retried), "{item}", "Attempts beyond the first."),
    ];

    // How many names of nodes are remembered after their runs have ended; what comes beyond that is counted under one name.
    private const int MaxNames = 1000;
    private const string OtherNames = "(other)";

    static Telemetry()
    {
        Meter.CreateObservableUpDownCounter("sluice.runs.active", () => Live().Length, "{run}", "Runs under way.");
        Meter.CreateObservableGauge("sluice.node.queued", () => PerLiveNode(node => node.Queued), "{item}", "Items that wait in front of a node.");
        Meter.CreateObservableGauge("sluice.node.blocked", () => PerLiveNode(node => node.Activity == NodeActivity.Blocked ? 1 : 0), "{node}",
            "How many nodes of a name are blocked by a full edge.");
    }

    /// <summary>Called before the run can end. What the caller traces is left as it is: the run goes on when the caller has returned.</summary>
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
            // Counters only grow: what a run has counted stays when the run goes.
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

    /// <summary>A call of a step begins: a span in the caller's trace, current for the body. Null if nobody listens.</summary>
    public static Activity? StepStarted(string step)
    {
        if (!Spans.HasListeners()) return null;
        if (Start("sluice.step") is not { } span) return null;
        span.DisplayName = step;
        Activity.Current = span;
        return span;
    }

    /// <summary>It has ended, perhaps on another thread, whose own trace is left as it is.</summary>
    public static void StepEnded(Activity span, string outcome, Exception? failure)
    {
        End(span, outcome, failure);
        if (ReferenceEquals(Activity.Current, span)) Activity.Current = span.Parent;
    }

    // Dashboards ask for these texts: no names of the code's.
    private static string OutcomeOf(RunStatus how) => how switch
    {
        RunStatus.Running => "running",
        RunStatus.Draining => "draining",
        RunStatus.Stopping => "stopping",
        RunStatus.Completed => "completed",
        RunStatus.Failed => "failed",
        _ => "cancelled",
    };

    /// <summary>Starts a span, which does not become the current one.</summary>
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

    /// <summary>A listener runs on threads of runs and timers, where nobody would catch what it throws.</summary>
    private static void Report(Exception failure) => Warnings.Tell($"A listener of the activity source or the meter 'Sluice' has thrown: {failure.Message}");

    /// <summary>Under the lock.</summary>
    private static IEnumerable<IObservedRun> All()
    {
        for (IObservedRun? run = runs; run is not null; run = run.Behind) yield return run;
    }

    /// <summary>Under the lock.</summary>
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

    // Under the lock, so that a run is counted either as one that lives or as one that has ended.
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
