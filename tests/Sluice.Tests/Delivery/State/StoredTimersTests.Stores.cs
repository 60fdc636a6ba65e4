using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Tests.Delivery;

/// <content>The stores of these tests, and the rows in them.</content>
public sealed partial class StoredTimersTests
{
    private static async Task RestAsync()
    {
        for (int i = 0; i < 3_000; i++) await Member.NextAsync();
    }

    /// <summary>Lets time pass, and waits for what is due then. A thread may begin to wait for a timer, by the time that it has seen, only
    /// after the clock has passed it: then it waits until the clock goes on, a second of test time for each second.</summary>
    private async Task PassAsync(TimeSpan time, Func<bool> isReached)
    {
        clock.Advance(time);
        for (long since = Stopwatch.GetTimestamp(); !isReached(); await Member.PollAsync())
        {
            if (Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(1)) continue;
            clock.Advance(TimeSpan.FromSeconds(1));
            since = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>Waits for the rows: the ledger is written before its commit is made.</summary>
    private static async Task UntilRowsAsync(IStreamStore store, string name, int count)
    {
        while (await RowsAsync(store, name) != count) await Member.NextAsync();
    }

    private static async Task<int> RowsAsync(IStreamStore store, string name)
    {
        int rows = 0;
        for (int partition = 0; partition < 3; partition++)
            foreach (string node in (string[])[$"$timers/{name}", $"$due/{name}"])
            {
                try
                {
                    rows += (await store.ListStateAsync(new GroupId("remotes", "remotes"), partition, node,
                        cancellation: Cancellation)).Count;
                }
                // it has one partition
                catch (Exception e) when (e is ArgumentException or StreamStoreException && partition > 0) { break; }
            }
        return rows;
    }

    private sealed class CountingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int rows;

        public int Rows => Volatile.Read(ref rows);

        public override async ValueTask<IReadOnlyList<StateRow>> ListStateAsync(GroupId group, int partition, string node,
            string? after = null, int max = 1000, CancellationToken cancellation = default)
        {
            IReadOnlyList<StateRow> page = await base.ListStateAsync(group, partition, node, after, max, cancellation);
            Interlocked.Add(ref rows, page.Count);
            return page;
        }
    }

    private sealed class Disposed : IDisposable
    {
        public MemoryStreamStore Store { get; } = new();

        public void Dispose() => Store.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
