using Sluice.Diagnostics;
using Sluice.Graphs;
using Sluice.Topologies;

namespace Sluice.Dashboard.Sampling;

/// <summary>Records the scopes of steps of one name: the last ones, and figures of the last hour by step.</summary>
/// <remarks>
/// The counts are complete. The rest is of the first scopes that end in a second, so that a program with many scopes does not pay.
/// Thread-safe: scopes end on any threads. Locking rule: everything under <c>sync</c>; records are made outside of it, and never changed.
/// Memory is bounded by the numbers below.
/// </remarks>
internal sealed class ScopeRecorder(string name, TimeProvider time)
{
    /// <summary>How many scopes are kept.</summary>
    public const int MaxScopes = 20;

    /// <summary>How many calls of a scope are recorded at most. Of a scope with more, only the counts are.</summary>
    public const int MaxCalls = 1_000;

    /// <summary>How many steps have figures.</summary>
    public const int MaxSteps = 500;

    private readonly Lock sync = new();
    private readonly ScopeRecord?[] last = new ScopeRecord?[MaxScopes], lastFailed = new ScopeRecord?[MaxScopes];
    private readonly ResolveOutcome[] outcomes = new ResolveOutcome[MaxScopes];
    private readonly Dictionary<string, NodeTimes> steps = new(StringComparer.Ordinal);
    private long count, recorded, failed, span;

    /// <summary>The name of the scopes.</summary>
    public string Name => name;

    /// <summary>Counts a scope that was not recorded.</summary>
    public void Count(ResolveOutcome outcome)
    {
        lock (sync) CountNow(outcome);
    }

    /// <summary>Records a scope that has ended.</summary>
    public void Add(StepScope scope, StepScopeSnapshot seen, ResolveOutcome outcome)
    {
        string[] names = [];
        NodeRun[] calls = [];
        HashSet<int> critical = [];
        if (seen.Steps.Count > 0 && seen.Total.Called <= MaxCalls)
        {
            IReadOnlyList<TopologyNode> nodes = scope.Topology.Nodes;
            names = [.. nodes.Select(static one => VisibleText.Shorten(one.Name, 100))];
            calls = [.. nodes.Select(static one => RunOf(one.Time))];
            critical = [.. Enumerable.Range(0, nodes.Count).Where(at => nodes[at].IsCritical)];
        }
        string why = outcome == ResolveOutcome.Failed ? Why(seen) : "";
        DateTimeOffset now = time.GetUtcNow();
        lock (sync)
        {
            CountNow(outcome);
            var record = new ScopeRecord(new(count, now, NodeRun.NotNegative(seen.Elapsed), outcome, why, calls), names, critical,
                seen.Total.Called);
            last[recorded++ % MaxScopes] = record;
            if (outcome == ResolveOutcome.Failed) lastFailed[failed % MaxScopes] = record;
            span = Math.Max(span, time.GetTimestamp() / (time.TimestampFrequency * (long)NodeTimes.Span.TotalSeconds));
            for (int i = 0; i < calls.Length; i++)
                if (calls[i].HasRun && TimesOf(StepOf(names[i], seen)) is { } times) times.Add(span, calls[i], now);
        }
    }

    /// <summary>Returns what is recorded.</summary>
    public ScopeRecords Look()
    {
        lock (sync)
        {
            span = Math.Max(span, time.GetTimestamp() / (time.TimestampFrequency * (long)NodeTimes.Span.TotalSeconds));
            return new(name, count, failed, [.. outcomes.Take((int)Math.Min(count, MaxScopes))], Sort(last), Sort(lastFailed),
                [.. steps.Select(one => one.Value.Sum(one.Key, span)).OfType<NodeFigures>()]);
        }
    }

    /// <summary>How a scope has ended: a call that failed and was awaited counts, too.</summary>
    public static ResolveOutcome OutcomeOf(StepCounts total) => total.Failed > 0 ? ResolveOutcome.Failed
        : total.Cancelled > 0 ? ResolveOutcome.Cancelled : ResolveOutcome.Succeeded;

    private void CountNow(ResolveOutcome outcome)
    {
        outcomes[count++ % MaxScopes] = outcome;
        if (outcome == ResolveOutcome.Failed) failed++;
    }

    private NodeTimes? TimesOf(string step)
    {
        if (steps.TryGetValue(step, out NodeTimes? known) || steps.Count >= MaxSteps) return known;
        steps.Add(step, known = new());
        return known;
    }

    // The drawing tells calls of one step apart: Fetch(1), Fetch-2.
    private static string StepOf(string call, StepScopeSnapshot seen)
    {
        string best = "";
        foreach (StepCounts step in seen.Steps)
            if (step.Step.Length > best.Length && call.StartsWith(step.Step, StringComparison.Ordinal)) best = step.Step;
        return VisibleText.Shorten(best.Length == 0 ? call : best, 100);
    }

    private static string Why(StepScopeSnapshot seen) => VisibleText.Shorten(string.Join(", ", seen.Steps
        .Where(static step => step.Failed > 0).Select(static step => $"{step.Step} failed {Shown.Count(step.Failed)} of "
            + $"{Shown.Count(step.Called, "time")}")), 300);

    private static NodeRun RunOf(NodeTime? time) => time is not { } known ? default : new(known.Outcome switch
    {
        "failed" => NodeStatus.Failed,
        "cancelled" => NodeStatus.Cancelled,
        "running" => NodeStatus.Running,
        _ => NodeStatus.Succeeded,
    }, NodeRun.NotNegative(known.Started), NodeRun.NotNegative(known.Elapsed), 1, "");

    private static ScopeRecord[] Sort(IEnumerable<ScopeRecord?> some)
        => [.. some.OfType<ScopeRecord>().OrderByDescending(static one => one.Times.Number)];
}

/// <summary>A scope that has ended.</summary>
/// <param name="Times">Its calls, in the order in which they were made; none if it has recorded none, or has too many.</param>
/// <param name="Names">The names of the calls.</param>
/// <param name="Critical">The calls on the critical path.</param>
/// <param name="Called">The number of calls.</param>
internal sealed record ScopeRecord(ResolveRecord Times, string[] Names, HashSet<int> Critical, long Called);

/// <summary>What is recorded of the scopes of a name.</summary>
internal sealed record ScopeRecords(string Name, long Count, long Failed, IReadOnlyList<ResolveOutcome> Outcomes,
    IReadOnlyList<ScopeRecord> Last, IReadOnlyList<ScopeRecord> LastFailed, IReadOnlyList<NodeFigures> Steps)
{
    public Verdict Verdict
    {
        get
        {
            int bad = Outcomes.Count(static one => one == ResolveOutcome.Failed);
            string why = LastFailed.Count > 0 ? LastFailed[0].Times.Problem : "";
            return bad == 0 ? new(Urgency.Fine, $"No call failed in the last {Shown.Count(Outcomes.Count, "scope")}.")
                : new(bad == Outcomes.Count ? Urgency.Failing : Urgency.Warning,
                    $"Calls failed in {bad} of the last {Shown.Count(Outcomes.Count, "scope")}: {why}");
        }
    }
}
