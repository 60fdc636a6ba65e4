using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A lease fails, and the store fails again when the partitions are to be acquired anew.</summary>
public class ReloadTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>The next heartbeat is ten seconds away.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PartitionsGivenUpAfterAFailureAreRetakenBeforeTheNextHeartbeat(bool isKeyed)
    {
        const int Items = 10;
        TestClock clock = new();
        await using var inner = new MemoryStreamStore(clock);
        var store = new FailingStore(inner);
        var ledger = new Ledger();
        await using var consecutor = new Consecutor<int>("work", source => source | ledger.Sink<int>(), new()
        {
            Store = store,
            Run = new() { Time = clock },
            Stream = new() { Partitions = 2 },
            LeaseDuration = TimeSpan.FromSeconds(30),
            Process = new(),
        })
        { Key = isKeyed ? static n => $"{n}" : null };
        await consecutor.StartAsync(Cancellation);
        store.Arm();
        Task sent = consecutor.SendAllAsync([.. Enumerable.Range(0, Items)], Cancellation).AsTask();
        DateTimeOffset begun = clock.GetUtcNow();
        Task<ConsecutorSnapshot>? idle = null;
        var rounds = new Rounds(2_000_000);
        for (int i = 0; idle is not { IsCompleted: true }; i++)
        {
            Assert.True(await rounds.GoOnAsync(), $"still at it: {consecutor.Snapshot()}");
            if (sent.IsCompleted) idle ??= consecutor.WaitForIdleAsync(Cancellation);
            // After nine seconds only now and then, for a pause that has begun late.
            if (i % 100 == 99 && (clock.GetUtcNow() - begun < TimeSpan.FromSeconds(9) || i % 50_000 == 49_999)) clock.Advance(Step);
            await Member.NextAsync();
        }
        await sent;
        Assert.Equal((Items, 0L), ((await idle).Completed, (await idle).Dead));
        Assert.Equal(FailingStore.Failures, store.Failed);
        Assert.Equal(Enumerable.Range(0, Items).Select(n => $"{n}").Order(StringComparer.Ordinal),
            ledger.Lines.Order(StringComparer.Ordinal));
    }

    /// <remarks>After a failed lease the member keeps only the partition whose round is running, and asks for no other. The store is
    /// healthy.</remarks>
    [Fact]
    public async Task AMemberWithALongRoundKeepsItsHeartbeatAfterAFailedLease()
    {
        TestClock clock = new();
        await using var inner = new MemoryStreamStore(clock);
        var store = new TakingStore(inner);
        var ledger = new Ledger();
        var isAtWork = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        string key = Enumerable.Range(0, 100).Select(n => $"{n}").First(text => EntryKey.Of(text).PartitionOf(2) == 0);
        await using var consecutor = new Consecutor<int>("work",
            source => source | (static n => n) | Stage.Buffer(4) | HoldAsync | ledger.Sink<int>(), new()
            {
                Store = store,
                InstanceId = "one",
                Run = new() { Time = clock },
                Stream = new() { Partitions = 2 },
                LeaseDuration = Member.LeaseTime,
                Process = new(),
            })
        { Key = _ => key };
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await isAtWork.Task.WaitAsync(Cancellation);
        store.IsArmed = true;
        await consecutor.SendAsync(2, Cancellation);
        var looks = new Rounds(2_000_000);
        while (!store.HasTaken)
        {
            Assert.True(await looks.GoOnAsync(), "nothing was leased");
            await Member.NextAsync();
        }
        for (int third = 0; third < 9; third++)
        {
            long before = await Member.BeatsAsync(inner, "one");
            await inner.BeatAsync(new("work", "work"), "other", Cancellation);
            clock.Advance(Member.LeaseTime / 3);
            looks = new(2_000_000);
            while (await Member.BeatsAsync(inner, "one") == before)
            {
                Assert.True(await looks.GoOnAsync(), $"silent after {third} thirds of the lease duration: {consecutor.Snapshot()}");
                await Member.NextAsync();
            }
        }
        go.SetResult();

        async ValueTask<int> HoldAsync(int n, CancellationToken cancellation)
        {
            isAtWork.TrySetResult();
            await go.Task.WaitAsync(cancellation);
            return n;
        }
    }

    /// <summary>A lease fails, and when all partitions are given back, another member acquires one first.</summary>
    private sealed class TakingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public bool IsArmed { get; set; }

        public bool HasTaken { get; private set; }

        public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            if (!IsArmed) return base.LeaseAsync(request, cancellation);
            IsArmed = false;
            throw new StreamStoreException("The store is away, as the test wants.");
        }

        public override async ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
        {
            bool released = await base.ReleaseAsync(owner, cancellation);
            if (owner.Partition != 1 || HasTaken) return released;
            await Inner.BeatAsync(owner.Group, "other", cancellation);
            await Inner.AcquireAsync(owner.Group, 1, new("other"), cancellation);
            HasTaken = true;
            return released;
        }
    }

    /// <summary>Fails one lease, then the releases and heartbeats that follow, for some calls.</summary>
    private sealed class FailingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public const int Failures = 4;

        private int left;

        public int Failed => Failures - Volatile.Read(ref left);

        public void Arm() => Volatile.Write(ref left, Failures);

        protected override ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            int before = Volatile.Read(ref left);
            bool fails = before == Failures ? name == nameof(LeaseAsync) : before > 0
                && (name is nameof(ReleaseAsync) or nameof(HeartbeatAsync));
            if (!fails || Interlocked.CompareExchange(ref left, before - 1, before) != before) return call();
            throw new StreamStoreException("The store is away, as the test wants.");
        }
    }
}
