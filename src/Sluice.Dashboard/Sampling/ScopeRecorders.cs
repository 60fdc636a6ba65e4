using Sluice.Diagnostics;
using Sluice.Graphs;

namespace Sluice.Dashboard.Sampling;

/// <summary>The recorders of all scopes of steps in the process, by name.</summary>
/// <remarks>Thread-safe; locking rule: the recorders under <c>sync</c>.</remarks>
internal sealed class ScopeRecorders : IDisposable
{
    /// <summary>How many scopes that end in a second are recorded with their calls; the others are counted.</summary>
    public const int MaxPerSecond = 100;

    /// <summary>How many names have a recorder; scopes of other names are recorded together.</summary>
    public const int MaxNames = 100;

    private const string Unnamed = "(no name)", Others = "(other names)";

    private readonly Lock sync = new();
    private readonly Dictionary<string, ScopeRecorder> all = new(StringComparer.Ordinal);
    private readonly TimeProvider time;
    private readonly IDisposable? watch;
    private long second;
    private int passed;

    public ScopeRecorders(DashboardOptions options)
    {
        time = options.Time;
        if (options.RecordsSteps) watch = StepScope.Watch(OnEnded);
    }

    /// <summary>Returns what is recorded, by name.</summary>
    public IReadOnlyList<ScopeRecords> Look()
    {
        ScopeRecorder[] found;
        lock (sync) found = [.. all.Values];
        return [.. found.Select(static one => one.Look()).OrderByDescending(static one => one.Verdict.Urgency)
            .ThenBy(static one => one.Name, StringComparer.Ordinal)];
    }

    /// <summary>Ends the recording.</summary>
    public void Dispose() => watch?.Dispose();

    private void OnEnded(StepScope scope)
    {
        bool passes;
        ScopeRecorder recorder;
        string name = scope.Name is { Length: > 0 } given ? given : Unnamed;
        lock (sync)
        {
            long now = time.GetTimestamp() / time.TimestampFrequency;
            if (now != second) (second, passed) = (now, 0);
            passes = ++passed <= MaxPerSecond;
            if (!all.TryGetValue(name, out ScopeRecorder? known))
            {
                if (all.Count >= MaxNames) name = Others;
                if (!all.TryGetValue(name, out known)) all.Add(name, known = new(name, time));
            }
            recorder = known;
        }
        StepCounts total = scope.Totals();
        if (!passes) recorder.Count(ScopeRecorder.OutcomeOf(total));
        else recorder.Add(scope, scope.Snapshot(), ScopeRecorder.OutcomeOf(total));
    }
}
