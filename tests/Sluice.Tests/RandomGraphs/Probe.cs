using System.Collections.Concurrent;

namespace Sluice.Tests.RandomGraphs;

/// <summary>Watches the function of one step in one run: how many calls are active, also per key, and whether the run has ended.
/// Thread-safe.</summary>
internal sealed class Probe(Rig rig, string name, int id, Policy policy)
{
    private readonly ConcurrentDictionary<long, int> attempts = new();
    private readonly ConcurrentDictionary<long, int> keysInside = new();
    private readonly int limit = rig.IsMultiThread ? Math.Max(policy.Parallel, policy.KeyLanes) : 1;
    private int inside;

    public int Begun;
    public int Ended;
    public int Disposed;

    public string Name => name;

    public bool IsBusy => Volatile.Read(ref inside) != 0;

    /// <summary>Call when the function begins.</summary>
    public void Enter(long value)
    {
        int now = Interlocked.Increment(ref inside);
        if (now > limit) rig.Violation($"{now} calls are inside {name}; {limit} may be");
        if (policy.KeyLanes > 0 && keysInside.AddOrUpdate(policy.KeyOf(value, id), 1, (_, known) => known + 1) > 1)
            rig.Violation($"two items of one key are inside {name}");
        rig.Called(name);
    }

    /// <summary>Call when the function ends.</summary>
    public void Exit(long value)
    {
        if (policy.KeyLanes > 0) keysInside.AddOrUpdate(policy.KeyOf(value, id), 0, (_, known) => known - 1);
        Interlocked.Decrement(ref inside);
    }

    /// <summary>Throws as often as the policy says for this item.</summary>
    public void MayFail(long value)
    {
        int failures = policy.FailuresOf(value, id);
        if (failures == 0) return;
        int attempt = attempts.AddOrUpdate(value, 1, (_, known) => known + 1);
        if (attempt <= failures) throw new FaultException($"{value} fails at {name}, attempt {attempt}");
    }
}

/// <summary>The exception that the functions of random graphs throw.</summary>
internal sealed class FaultException(string message) : Exception(message);
