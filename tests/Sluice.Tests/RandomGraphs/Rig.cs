using System.Collections.Concurrent;
using Sluice.Diagnostics;

namespace Sluice.Tests.RandomGraphs;

/// <summary>The environment of one run of a graph: the items of its sinks, the violations that its functions report, and the
/// interference. Thread-safe.</summary>
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

    /// <summary>The virtual time since the start; zero without a virtual clock.</summary>
    public TimeSpan Now => clock?.GetElapsedTime(0) ?? TimeSpan.Zero;

    /// <summary>The drain, if the interference requested one.</summary>
    public Task<bool>? Drained { get; private set; }

    public bool WasInterfered { get; private set; }

    /// <summary>The maximum number of items that may wait in front of a node.</summary>
    public Func<string, int> QueueBound { get; set; } = _ => int.MaxValue;

    /// <summary>A test of the test sets its saboteur here. It is inserted in front of every sink.</summary>
    public Func<Source<long>, Source<long>> Sabotage { get; init; } = source => source;

    public IEnumerable<string> Violations => violations;

    public IEnumerable<Probe> Probes => probes;

    public Probe Probe(string name, int id, Policy policy)
    {
        var probe = new Probe(this, name, id, policy);
        probes.Add(probe);
        return probe;
    }

    /// <summary>Creates the journal of an observed step. Each build of the pipeline creates a new one.</summary>
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

    /// <summary>Returns the journal or log of that name after the run.</summary>
    public T Journal<T>(string name) => (T)journals[name];

    public void Violation(string what) => violations.Enqueue(what);

    /// <summary>Registers a sink while the run is built, so that sinks without items are known too.</summary>
    public Action<long> Sink(string name)
    {
        var items = sinks[name] = new ConcurrentQueue<long>();
        return items.Enqueue;
    }

    public IReadOnlyList<long> Received(string sink) => sinks.TryGetValue(sink, out var items) ? [.. items] : [];

    /// <summary>Call when a function has been called.</summary>
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

    /// <summary>Call when the run has completed.</summary>
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

    /// <summary>Waits in virtual time. With the real clock it only yields.</summary>
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

/// <summary>Cancels or drains the run from inside the function call with the given number.</summary>
internal sealed record Interference(InterferenceKind Kind, int AtCall)
{
    public static Interference None { get; } = new(InterferenceKind.None, -1);

    public override string ToString() => Kind == InterferenceKind.None ? "undisturbed" : $"{Kind} at call {AtCall}";
}
