using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Sluice.Diagnostics;

/// <summary>A run, as telemetry sees it.</summary>
internal interface IObservedRun
{
    RunSnapshot Snapshot();

    /// <summary>The consecutor whose items it follows; null if there is none.</summary>
    string? Consecutor { get; }

    Activity? Span { get; set; }

    /// <summary>The next newer live run. Owned by <see cref="RunTelemetry"/>, under its lock.</summary>
    IObservedRun? Before { get; set; }

    /// <summary>The next older live run. Owned by <see cref="RunTelemetry"/>, under its lock.</summary>
    IObservedRun? Behind { get; set; }
}

/// <summary>
/// Telemetry of runs and their nodes. Collection reads the counters of the runs, so items pay nothing for it; without a listener, a run
/// pays one list entry.
/// </summary>
internal static class RunTelemetry
{
    private static readonly Lock Sync = new();
    private static IObservedRun? runs;               // the newest; a linked list, so that adding and removing is cheap
    private static readonly Dictionary<NodeKey, Totals> OfEndedRuns = [];

    private static readonly Counter<long> Ended = Telemetry.Meter.CreateCounter<long>("sluice.run.ended", "{run}",
        "Runs that have ended, by outcome; with a processor, its starts.");

    private static readonly Instrument[] Counters =
    [
        Counter("sluice.node.items.in", static node => node.In, "Items that went into a node."),
        Counter("sluice.node.items.out", static node => node.Out, "Items that came out of a node."),
        Counter("sluice.node.items.skipped", static node => node.Skipped, "Items that a node dropped on purpose."),
        Counter("sluice.node.items.failed", static node => node.Failed, "Items that failed at a node for good."),
        Counter("sluice.node.items.retried", static node => node.Retried,
            "Failed attempts at a node after which the item was tried again."),
        Clock("sluice.node.time", static node => node.Time,
            "Time that items have spent in a node, without nodes behind it; only with RunOptions.RecordTimings."),
        Clock("sluice.node.blocked.time", static node => node.Blocked,
            "Time that a node has waited for room in front of the node behind it."),
    ];

    // The maximum number of nodes that are told apart; further ones share one name.
    private const int MaxNames = 1000;
    private const string OtherNames = "(other)";

    static RunTelemetry()
    {
        Telemetry.Meter.CreateObservableUpDownCounter("sluice.run.active",
            static () => ProcessorGauges.CountActive().Prepend(new Measurement<long>(CountLive())), "{run}",
            "Runs in progress; with a processor, its starts.");
        Telemetry.Meter.CreateObservableUpDownCounter("sluice.node.queue.depth", static () => Queued(), "{item}",
            "Items that wait in front of a node.");
    }

    /// <summary>Creates the instruments, so that listeners find them before the first run.</summary>
    public static void Prepare() { }

    /// <summary>Registers a run, before it can end. The caller's current span stays: the run outlives the call.</summary>
    public static void RunStarted(IObservedRun run)
    {
        // The run of a consecutor lasts as long as the process. Its items have spans instead.
        if (Telemetry.IsTraced && run.Consecutor is null) run.Span = Telemetry.Start("sluice.run", "run");
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
            if (TryRemove(run) && counted) AddTo(OfEndedRuns, run, isOver: true);
        }
        string outcome = OutcomeOf(how);
        if (Ended.Enabled)
            Telemetry.Record(static outcome => Ended.Add(1, new KeyValuePair<string, object?>(TelemetryNames.Outcome, outcome)), outcome);
        if (run.Span is { } span) Telemetry.End(span, failure, outcome);
    }

    /// <summary>A start of a processor has ended.</summary>
    public static void StartEnded(string processor, string outcome)
    {
        if (Ended.Enabled)
            Telemetry.Record(static one => Ended.Add(1, new KeyValuePair<string, object?>(TelemetryNames.Outcome, one.outcome),
                new(TelemetryNames.Processor, one.processor)), (outcome, processor));
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

    private static ObservableCounter<long> Counter(string name, Func<Totals, long> figure, string description)
        => Telemetry.Meter.CreateObservableCounter(name,
            () => Sum().Select(total => new Measurement<long>(figure(total.Value), TagsOf(total.Key))), "{item}", description);

    private static ObservableCounter<double> Clock(string name, Func<Totals, TimeSpan?> figure, string description)
        => Telemetry.Meter.CreateObservableCounter(name,
            () => from total in Sum()
                  let time = figure(total.Value)
                  where time is not null
                  select new Measurement<double>(time.Value.TotalSeconds, TagsOf(total.Key)), "s", description);

    private static IEnumerable<Measurement<long>> Queued()
    {
        Dictionary<NodeKey, Totals> totals = [];
        lock (Sync)
            foreach (IObservedRun run in All()) AddTo(totals, run);
        return totals.Select(static total => new Measurement<long>(total.Value.Queued, TagsOf(total.Key)));
    }

    private static long CountLive()
    {
        lock (Sync) return All().LongCount();
    }

    // Under the lock, so that a run counts either as live or as ended.
    private static Dictionary<NodeKey, Totals> Sum()
    {
        lock (Sync)
        {
            var totals = new Dictionary<NodeKey, Totals>(OfEndedRuns);
            foreach (IObservedRun run in All()) AddTo(totals, run);
            return totals;
        }
    }

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

    private static void AddTo(Dictionary<NodeKey, Totals> totals, IObservedRun run, bool isOver = false)
    {
        foreach (NodeSnapshot node in run.Snapshot().Nodes)
        {
            NodeKey key = new(run.Consecutor, node.Name);
            if (totals.Count >= MaxNames && !totals.ContainsKey(key)) key = new(null, OtherNames);
            totals[key] = totals.GetValueOrDefault(key).With(node, isOver);
        }
    }

    private static KeyValuePair<string, object?>[] TagsOf(NodeKey key) => key.Consecutor is null
        ? [new(TelemetryNames.Node, key.Name)]
        : [new(TelemetryNames.Node, key.Name), new(TelemetryNames.Destination, key.Consecutor)];

    private readonly record struct NodeKey(string? Consecutor, string Name);

    private readonly record struct Totals(long In, long Out, long Skipped, long Failed, long Retried, long Queued, TimeSpan? Time,
        TimeSpan Blocked)
    {
        public Totals With(NodeSnapshot node, bool isOver) => new(In + node.In, Out + node.Out, Skipped + node.Skipped,
            Failed + node.Failed, Retried + node.Retried, isOver ? Queued : Queued + node.Queued,
            node.Time is { } time ? (Time ?? TimeSpan.Zero) + time : Time, Blocked + node.BlockedTime);
    }
}
