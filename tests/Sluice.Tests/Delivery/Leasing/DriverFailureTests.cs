using System.Collections.Concurrent;
using System.Net.Sockets;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A store lets through what its driver throws: a timeout that looks like a cancellation, a broken connection that looks like a
/// store that was disposed. The consecutor repeats each call.</summary>
public class DriverFailureTests
{
    private const int Items = 30;

    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: the consecutor ended, or items failed.</remarks>
    [Theory]
    [InlineData("timeout")]
    [InlineData("socket")]
    [InlineData("disposed")]
    public async Task EachCallIsRepeatedAfterAFailureOfTheDriver(string kind)
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new UnsteadyStore(memory, kind);
        var sums = new ConcurrentBag<long>();
        await using var work = new Consecutor<int>("work", source => source.Scan(0L, static (sum, n) => sum + n) | Stage.Named("sum")
            | sums.Add,
            Member.Options("one", store, clock));
        await work.StartAsync(Cancellation);
        store.IsUnsteady = true;
        ConsecutorSnapshot end = await WithTimeAsync(work, SendAsync());
        Assert.Equal((Items, 0L, ConsecutorStatus.Running), (end.Completed, end.Dead, end.Status));
        Assert.Contains(Enumerable.Range(0, Items).Sum(), sums);
        Assert.Empty(((string[])["append", "lease", "commit", "state"]).Except(store.Failed));

        async Task<ConsecutorSnapshot> SendAsync()
        {
            for (int n = 0; n < Items; n++) await work.SendAsync(n, Cancellation);
            return await work.WaitForIdleAsync(Cancellation);
        }
    }

    /// <remarks>Regression: an idle consecutor never looked again.</remarks>
    [Fact]
    public async Task AWaitThatTheStoreCancelsIsMadeAgain()
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new PollingStore(memory);
        await using var work = new Consecutor<int>("work", source => source | (static _ => { }), Member.Options("one", store, clock));
        await work.StartAsync(Cancellation);
        await (await store.Wait.WaitAsync(Cancellation))();
        await work.SendAsync(1, Cancellation);
        Assert.Equal(1, (await WithTimeAsync(work, work.WaitForIdleAsync(Cancellation))).Completed);
    }

    /// <remarks>Regression: the store was asked without a pause.</remarks>
    [Fact]
    public async Task AWaitThatFailsEachTimeIsMadeOnceASecond()
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new DeafStore(memory);
        await using var work = new Consecutor<int>("work", source => source | (static _ => { }), Member.Options("one", store, clock));
        await work.StartAsync(Cancellation);
        await store.Failed.WaitAsync(Cancellation);
        for (int i = 0; i < 2_000; i++) await Member.NextAsync();
        int before = store.Waits;
        Assert.InRange(before, 1, 20);               // one for each change of the partitions at the start
        await work.SendAsync(1, Cancellation);
        Assert.Equal(1, (await WithTimeAsync(work, work.WaitForIdleAsync(Cancellation))).Completed);
    }

    /// <summary>Lets time pass until the consecutor is idle.</summary>
    private async Task<ConsecutorSnapshot> WithTimeAsync(Consecutor<int> work, Task<ConsecutorSnapshot> idle)
    {
        var rounds = new Rounds(200_000);
        for (int i = 0; !idle.IsCompleted; i++)
        {
            Assert.True(await rounds.GoOnAsync(), $"It stands still: {work.Snapshot()}");
            if (i % 50 == 49) clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        return await idle;
    }

    /// <summary>A store that cannot tell of changes: each wait fails soon.</summary>
    private sealed class DeafStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int waits;

        public int Waits => Volatile.Read(ref waits);

        public Task Failed => failed.Task;

        public override async ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
            CancellationToken cancellation = default)
        {
            if (after < 0) return await base.WaitForEntriesAsync(stream, partitions, after, cancellation);
            Interlocked.Increment(ref waits);
            await Task.Yield();
            failed.TrySetResult();
            throw new StreamStoreException("no permission to subscribe");
        }
    }

    /// <summary>Fails the first call of each kind.</summary>
    private sealed class UnsteadyStore(IStreamStore inner, string kind) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly ConcurrentDictionary<string, bool> failed = new();

        public volatile bool IsUnsteady;

        public IEnumerable<string> Failed => failed.Keys;

        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            Fail("append");
            return await base.AppendAsync(request, cancellation);
        }

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            Fail("lease");
            return await base.LeaseAsync(request, cancellation);
        }

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            Fail("commit");
            return await base.CommitAsync(commit, cancellation);
        }

        public override async ValueTask<IReadOnlyList<StateRow>> ListStateAsync(GroupId group, int partition, string node, string? after,
            int max, CancellationToken cancellation = default)
        {
            Fail("state");
            return await base.ListStateAsync(group, partition, node, after, max, cancellation);
        }

        public override async ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
        {
            Fail("heartbeat");
            return await base.HeartbeatAsync(request, cancellation);
        }

        private void Fail(string call)
        {
            if (!IsUnsteady || !failed.TryAdd(call, true)) return;
            throw kind switch
            {
                "timeout" => new TaskCanceledException(),
                "socket" => new SocketException((int)SocketError.ConnectionReset),
                _ => new ObjectDisposedException("NetworkStream"),
            };
        }
    }

    /// <summary>A store whose first wait for entries is a long poll that takes too long.</summary>
    private sealed class PollingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource<Func<Task>> wait = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends the first wait, as a timeout does.</summary>
        public Task<Func<Task>> Wait => wait.Task;

        public override ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
            CancellationToken cancellation = default)
        {
            if (after < 0 || wait.Task.IsCompleted) return base.WaitForEntriesAsync(stream, partitions, after, cancellation);
            var timeout = new CancellationTokenSource();
            wait.SetResult(timeout.CancelAsync);
            return Poll();

            async ValueTask<long> Poll()
            {
                using CancellationTokenSource limit = timeout;
                await Task.Delay(Timeout.Infinite, limit.Token);
                return after;
            }
        }
    }
}
