using System.Collections.Concurrent;
using System.Text;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>With an order, a damaged entry is decided at once: it neither waits for an earlier item, nor do later ones wait for it.
/// (SQLite and PostgreSQL cannot write that an entry waits which they cannot read.)</summary>
public class DamagedItemOfKeyTests
{
    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<int> started = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ItDoesNotWaitBehindAFailedOne(bool isLate)
    {
        await using var store = new DamagingStore(new MemoryStreamStore(clock)) { IsDamaged = static entry => entry.Sequence == 2 };
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var work = new Consecutor<int>("work", source => (source | StageNode.Of(() => new Totals()) | Stage.Named("totals"))
            .ForEachAsync(async (int n, ItemContext item, CancellationToken cancellation) =>
            {
                started.Enqueue(n);
                if (n == 3) reached.TrySetResult();
                if (n != 1 || item.Attempt > 1) return;
                if (isLate) await reached.Task.WaitAsync(cancellation);
                throw new TimeoutException("not now");
            }) | Stage.Parallel(isLate ? 2 : 1), Options(store, DeliveryGuarantee.Replay(3, Backoff.Constant(TimeSpan.FromHours(1)))));
        await work.SendAllAsync([1, 2, 3], Cancellation);
        await work.StartAsync(Cancellation);
        ConsecutorSnapshot now = await Member.UntilAsync(work, static snapshot => snapshot is { InFlight: 0, Retrying: 1 });
        Assert.Equal((1L, 1L), (now.Dead, now.Parked));
        await EndAsync(work, completed: 2);
        Assert.Equal([1, 3], started.TakeLast(2));
    }

    [Fact]
    public async Task ItsKeyGoesOnIfItHasWaited()
    {
        await using var store = new DamagingStore(new MemoryStreamStore(clock));
        await using var work = new Consecutor<int>("work", source => source.ForEachAsync((int n, ItemContext _, CancellationToken _) =>
        {
            started.Enqueue(n);
            return n == 1 ? throw new TimeoutException("not now") : default(ValueTask);
        }), Options(store, DeliveryGuarantee.Replay(3, Backoff.Constant(TimeSpan.FromHours(1)))))
        { Key = static _ => "a" };
        await work.SendAllAsync([1, 2], Cancellation);
        await work.StartAsync(Cancellation);
        await Member.UntilAsync(work, static snapshot => snapshot is { InFlight: 0, Retrying: 1, Parked: 1 });
        store.IsDamaged = static entry => entry.Sequence == 1;
        await EndAsync(work, completed: 1);
        Assert.Equal([1, 2], started);
        await work.SendAsync(3, Cancellation);
        Assert.Equal(2, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    /// <remarks>The damage decides: without it, the store would have to read the entry for the letter.</remarks>
    [Fact]
    public async Task ADamagedSuspectWhoseStartsAreUsedUpIsADamagedLetter()
    {
        await using var store = new DamagingStore(new MemoryStreamStore(clock)) { IsDamaged = static entry => entry.Sequence == 1 };
        await CrashAsync(store, codeVersion: 0);
        await using var work = new Consecutor<int>("work", source => source.ForEach(started.Enqueue),
            Options(store, DeliveryGuarantee.Replay(0)))
        { Key = static _ => "a" };
        await work.StartAsync(Cancellation);
        await Member.UntilAsync(work, static snapshot => snapshot.Dead == 1);
        StoredDeadLetter letter = Assert.Single(await store.ListDeadAsync(Member.Group, cancellation: Cancellation));
        Assert.StartsWith($"StreamStoreException: {DamagingStore.Message}", letter.Error, StringComparison.Ordinal);
        Assert.Equal("1", Encoding.UTF8.GetString(letter.Entry.Payload.Span));
        Assert.Empty(started);
    }

    [Fact]
    public async Task ASuspectOfNewerCodeWaitsForThatCodeAlthoughItsStartsHereAreUsedUp()
    {
        await using var store = new MemoryStreamStore(clock);
        await CrashAsync(store, codeVersion: 2);
        ConsecutorOptions options = Options(store, DeliveryGuarantee.Replay(0)) with { CodeVersion = 1 };
        await using (var old = new Consecutor<int>("work", source => source.ForEach(started.Enqueue), options) { Key = static _ => "a" })
        {
            await old.StartAsync(Cancellation);
            ConsecutorSnapshot now = await Member.UntilAsync(old, static snapshot => snapshot.Parked + snapshot.Dead == 1);
            Assert.Equal((1L, 0L), (now.Parked, now.Dead));
        }
        await using var work = new Consecutor<int>("work", source => source.ForEach(started.Enqueue),
            options with { CodeVersion = 2, Delivery = DeliveryGuarantee.Replay(3) })
        { Key = static _ => "a" };
        await work.StartAsync(Cancellation);
        Assert.Equal(1, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    /// <remarks>The damaged entries are decided with an item that failed and had touched state, so nothing else of the round is
    /// committed.</remarks>
    [Fact]
    public async Task MoreDamagedBytesThanACommitHoldsAreSeveralCommits()
    {
        const int Damaged = 11;
        await using var store = new DamagingStore(new MemoryStreamStore(clock)) { IsDamaged = static entry => entry.Sequence <= Damaged };
        await using var work = new Consecutor<string>("work", source => (source | (static text => text.Length)
            | StageNode.Of(() => new Totals()) | Stage.Named("totals")).ForEach(n =>
            {
                started.Enqueue(n);
                if (started.Count == 1) throw new TimeoutException("not now");
            }), Options(store, DeliveryGuarantee.Replay(3, Backoff.Constant(TimeSpan.FromHours(1)))));
        for (int i = 0; i < Damaged; i++) await work.SendAsync(new('x', 100_000), Cancellation);
        await work.SendAsync("whole", Cancellation);
        await work.StartAsync(Cancellation);
        await Member.UntilAsync(() => work.Completion.IsCompleted || work.Snapshot() is { InFlight: 0, Retrying: 1, Dead: Damaged });
        Assert.False(work.Completion.IsFaulted, work.Completion.Exception?.Message);
    }

    private ConsecutorOptions Options(IStreamStore store, DeliveryGuarantee delivery)
        => Member.Options("me", store, clock) with { Delivery = delivery, OnDamage = DamagePolicy.DeadLetter };

    /// <summary>The only item kills two processes: the first one beside others, the second one alone.</summary>
    private static async Task CrashAsync(IStreamStore store, int codeVersion)
    {
        await store.OpenStreamAsync("work", new() { Partitions = 1 }, Cancellation);
        await store.AddGroupAsync(Member.Group, cancellation: Cancellation);
        using (var batch = new EntryBatch { CodeVersion = codeVersion })
        {
            batch.Add("1"u8, EntryKey.Of("a"));
            await store.AppendAsync(new("work", "sender", 0, 1, batch), Cancellation);
        }
        AcquireResult first = await store.AcquireAsync(Member.Group, 0, new("x") { Instance = "x1" }, Cancellation);
        await store.LeaseAsync(new([first.Ownership]), Cancellation);
        AcquireResult alone = await store.AcquireAsync(Member.Group, 0, new("y") { Instance = "y1" }, Cancellation);
        Quarantine quarantine = (await store.AcquireQuarantineAsync(Member.Group, "y", 0, Cancellation))!.Value;
        await store.LeaseAsync(new([alone.Ownership]) { MaxItems = 1, Quarantine = quarantine }, Cancellation);
        await store.ReleaseQuarantineAsync(quarantine, Cancellation);
    }

    private async Task EndAsync(Consecutor<int> work, long completed)
    {
        Task<ConsecutorSnapshot> idle = work.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMinutes(1));
            await Member.PollAsync();
        }
        ConsecutorSnapshot end = await idle;
        Assert.Equal((completed, 1L, 0L), (end.Completed, end.Dead, end.Unaccounted));
    }

    private sealed class Totals : StatefulStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State += item;
            return output.PushAsync(item);
        }
    }
}
