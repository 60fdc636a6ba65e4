using System.Collections.Concurrent;
using Sluice.Diagnostics;

namespace Sluice.Tests.RandomGraphs;

/// <summary>What surrounds one run of a graph: what its sinks got, what its functions noticed, and when somebody interferes.
/// Thread-safe.</summary>
internal sealed class Rig(bool isMultiThread, int capacity, Interference interference, TimeProvider? clock = null)
{
    private const int SnapshotEvery = 17;
    private const int SnapshotsUntil = 200;

    private readonly ConcurrentQueue<string> violations = new();
    private readonly ConcurrentBag<Probe> probes = [];
    private readonly ConcurrentDictionary<string, ConcurrentQueue<long>> sinks = new();
    private readonly ConcurrentDictionary<string, object> journals = new();
    private int calls;
    private volatile bool over;

    public bool IsMultiThread => isMultiThread;

    public int Capacity => capacity;

    public PipelineRun? Run { get; set; }

    public TimeProvider? Clock => clock;

    /// <summary>The virtual time since the start; always zero where there is none.</summary>
    public TimeSpan Now => clock?.GetElapsedTime(0) ?? TimeSpan.Zero;

    /// <summary>The drain that was asked for, if one was.</summary>
    public Task<bool>? Drained { get; private set; }

    public bool WasInterfered { get; private set; }

    /// <summary>How many items may wait in front of a node.</summary>
    public Func<string, int> QueueBound { get; set; } = _ => int.MaxValue;

    /// <summary>A test of the test puts its saboteur here: it stands in front of every sink.</summary>
    public Func<Source<long>, Source<long>> Sabotage { get; init; } = source => source;

    public IEnumerable<string> Violations => violations;

    public IEnumerable<Probe> Probes => probes;

    public Probe Probe(string name, int id, Policy policy)
    {
        var probe = new Probe(this, name, id, policy);
        probes.Add(probe);
        return probe;
    }

    /// <summary>For a step that is observed; made anew when the pipeline is built again.</summary>
    public Journal<T> NewJournal<T>(string name)
    {
        var journal = new Journal<T>(this, name);
        journals[name] = journal;
        return journal;
    }

    public JoinLog NewJoinLog(string name)
    {
        var log = new JoinLog(this);
        journals[name] = log;
        return log;
    }

    /// <summary>After the run: the journal or log of that name.</summary>
    public T Journal<T>(string name) => (T)journals[name];

    public void Violation(string what) => violations.Enqueue(what);

    /// <summary>A sink of the graph; made while the run is built, so that sinks that get nothing are known.</summary>
    public Action<long> Sink(string name)
    {
        var items = sinks[name] = new ConcurrentQueue<long>();
        return items.Enqueue;
    }

    public IReadOnlyList<long> Received(string sink) => sinks.TryGetValue(sink, out var items) ? [.. items] : [];

    /// <summary>A function has been called.</summary>
    public void Called(string name)
    {
        if (over) Violation($"{name} was called after the run had ended");
        int call = Interlocked.Increment(ref calls);
        if (call % SnapshotEvery == 0 && (call < SnapshotsUntil || call % (SnapshotEvery * SnapshotEvery) == 0)) CheckQueues();
        if (call == interference.AtCall) Interfere();
    }

    public void CheckQueues()
    {
        if (Run is not { } run) return;
        foreach (NodeSnapshot node in run.Snapshot().Nodes)
        {
            if (node.Queued > QueueBound(node.Name))
                Violation($"{node.Queued} items wait in front of {node.Name}; {QueueBound(node.Name)} may");
        }
    }

    /// <summary>The run's completion has been seen.</summary>
    public void Over()
    {
        over = true;
        foreach (Probe probe in probes)
            if (probe.IsBusy) Violation($"{probe.Name} was still inside its function when the run had ended");
    }

    public ValueTask PauseAsync(Pace pace, CancellationToken cancellation) => pace switch
    {
        Pace.AtOnce => default,
        Pace.Delay => SleepAsync(3, cancellation),
        Pace.YieldTwice => YieldAsync(2),
        _ => YieldAsync(1),
    };

    /// <summary>Virtual time passes; where the clock is the real one, somebody else has a turn.</summary>
    public ValueTask SleepAsync(int milliseconds, CancellationToken cancellation)
        => clock is null ? YieldAsync(1) : new(Task.Delay(TimeSpan.FromMilliseconds(milliseconds), clock, cancellation));

    private static async ValueTask YieldAsync(int times)
    {
        for (int i = 0; i < times; i++) await Task.Yield();
    }

    private void Interfere()
    {
        WasInterfered = true;
        if (interference.Kind == InterferenceKind.Cancel) _ = Run!.CancelAsync();
        else if (interference.Kind == InterferenceKind.Drain) Drained = Run!.StopAsync();
    }
}

internal enum InterferenceKind
{
    None,
    Cancel,
    Drain,
}

/// <summary>Somebody cancels or drains the run, from inside the function that is called as the given number.</summary>
internal sealed record Interference(InterferenceKind Kind, int AtCall)
{
    public static Interference None { get; } = new(InterferenceKind.None, -1);

    public override string ToString() => Kind == InterferenceKind.None ? "undisturbed" : $"{Kind} at call {AtCall}";
}
