using System.Collections.Concurrent;
using System.Diagnostics;

namespace Airports.Durable;

/// <summary>What goes wrong on purpose, to see that nothing is lost by it. Any thread.</summary>
internal sealed class Trouble(StoreOptions options)
{
    private readonly ConcurrentDictionary<Pair, bool> failed = new();
    private int met;

    /// <summary>Called for every pair, at every attempt.</summary>
    /// <exception cref="InvalidOperationException">This one is to fail.</exception>
    public void Meet(Pair pair)
    {
        // As kill -9 does: nothing is flushed, closed or said any more.
        if (pair.Has(options.ExitOn)) Process.GetCurrentProcess().Kill();
        if (pair.Has(options.Poison)) throw new InvalidOperationException($"it has the code given with --poison {options.Poison}");
        if (options.FailEvery is { } every && Interlocked.Increment(ref met) % every == 0 && failed.TryAdd(pair, true))
            throw new InvalidOperationException($"it was its turn, by --fail-every {every}");
    }
}
