using System.Collections.Concurrent;
using Sluice.Storage;

namespace Sluice.Scale;

/// <summary>
/// The store as all hosts reach it: calls take time, answers get lost, and everything is counted. If an answer is lost, a call that may be
/// repeated is made again after a second, as stores over a network do; another one fails. Thread-safe.
/// </summary>
internal sealed class Network(IStreamStore store, ScaleOptions options, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    // A repetition would take for another call what it has done itself.
    private static readonly HashSet<string> Once = [nameof(IStreamStore.AcquireAsync), nameof(IStreamStore.ReleaseAsync),
        nameof(IStreamStore.LeaseAsync), nameof(IStreamStore.HeartbeatAsync), nameof(IStreamStore.OpenProducerAsync)];

    private readonly ConcurrentDictionary<string, long> calls = new(StringComparer.Ordinal);
    private readonly Random random = new(options.Seed);
    private readonly Lock gate = new();
    private long all;

    public IStreamStore Store => store;

    /// <summary>The number of all calls.</summary>
    public long All => Volatile.Read(ref all);

    /// <summary>The numbers of calls by kind, until now.</summary>
    public IReadOnlyDictionary<string, long> Counts() => calls.ToDictionary();

    /// <summary>The connection of a host.</summary>
    public Connection Connect() => new(this);

    private async ValueTask<T> CallAsync<T>(Connection host, string name, Func<ValueTask<T>> call)
    {
        while (true)
        {
            (TimeSpan there, TimeSpan back, bool isLost) = Draw();
            await Task.Delay(there, time).ConfigureAwait(false);
            if (host.IsDead) await Forever().ConfigureAwait(false);
            calls.AddOrUpdate(name, 1, static (_, count) => count + 1);
            Interlocked.Increment(ref all);
            T answer = await call().ConfigureAwait(false);
            Interlocked.Increment(ref all);              // calls that wait have an end, too
            await Task.Delay(isLost ? Patience : back, time).ConfigureAwait(false);
            if (host.IsDead) await Forever().ConfigureAwait(false);
            if (!isLost) return answer;
            if (Once.Contains(name)) throw new StreamStoreException($"The answer to {name} was lost.");
        }
    }

    // Exponential times, as of a queue that is not full.
    private (TimeSpan There, TimeSpan Back, bool IsLost) Draw()
    {
        lock (gate) return (Half(), Half(), random.NextDouble() < options.Loss);

        TimeSpan Half() => TimeSpan.FromMilliseconds(-Math.Log(1 - random.NextDouble()) * options.Latency / 2);
    }

    private static Task Forever() => new TaskCompletionSource().Task;

    /// <summary>What a host has of the store.</summary>
    internal sealed class Connection(Network network) : StreamStoreWrapper(network.Store, leaveOpen: true)
    {
        private volatile bool isDead;

        /// <summary>Whether the host has died: none of its calls is made or answered any more.</summary>
        public bool IsDead => isDead;

        public void Die() => isDead = true;

        protected override ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call) => network.CallAsync(this, name, call);
    }
}
