using Sluice.Delivery;
using Sluice.Engine;
using Sluice.Policies;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A waiting consecutor is woken by the event it waits for, or by a timer where that event may never come.</summary>
public sealed class WakeUpTests : IAsyncDisposable
{
    private readonly TestClock clock = new();
    private readonly MemoryStreamStore store;

    public WakeUpTests() => store = new(clock);

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void AConsecutorThatJoinsDuringExclusiveExecutionIsWokenAfterIt()
    {
        var process = new ExclusiveExecution();
        ConsecutorCore alone = Core("alone"), late = Core("late");
        int woken = 0;
        late.Pump.Wake = () => woken++;
        Assert.True(alone.Alone.TryBeAlone());
        Assert.False(late.Alone.MayWork());
        Assert.Equal(0, woken);
        alone.Alone.Withdraw();
        Assert.Equal(1, woken);
        Assert.True(late.Alone.MayWork());

        ConsecutorCore Core(string name)
        {
            Pipeline pipeline = new LeaseSource<int>(name, StageOptions.Default) | (_ => { });
            return new(name, Member.Options("me", store, clock) with { Process = process }, store, pipeline,
                RunBuilder.Draw(pipeline, isFollowed: true));
        }
    }

    [Fact]
    public async Task ARetryStartsWhenItIsDueEvenIfTheStoreAnswersLate()
    {
        var slow = new SlowLeases(store, clock);
        int starts = 0;
        await using var work = new Consecutor<int>("work", source => source | (_ => { if (++starts < 2) throw new TimeoutException(); }),
            Member.Options("me", slow, clock) with
            {
                LeaseDuration = TimeSpan.FromHours(1),
                Delivery = DeliveryGuarantee.Replay(1, Backoff.Constant(TimeSpan.FromSeconds(90)))
            });
        await work.StartAsync(Cancellation);
        DateTimeOffset due = clock.GetUtcNow() + TimeSpan.FromSeconds(90);
        await work.SendAsync(1, Cancellation);
        await clock.WaitForTimersAsync(2, Cancellation);                  // the heartbeat's timer, which is later, and the retry's
        Assert.Equal(due, clock.NextDue);
        Assert.Equal(due - TimeSpan.FromSeconds(30), clock.GetUtcNow());
        clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(1, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Fact]
    public async Task AMemberThatMissesTheQuarantineAsksAgain()
    {
        await CrashAsync(1);
        var taken = new QuarantineOfAnother(store);
        await using var work = new Consecutor<int>("work", source => source | (_ => { }), Member.Options("me", taken, clock));
        await work.StartAsync(Cancellation);
        await clock.WaitForTimersAsync(2, Cancellation);                  // the heartbeat's timer, and one more
        clock.Advance(TimeSpan.FromSeconds(1));                           // the other one has died meanwhile
        Assert.Equal(1, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Fact]
    public async Task APausedMemberReleasesTheQuarantine()
    {
        await CrashAsync(2);
        TaskCompletionSource begun = New(), mayEnd = New();
        await using var work = new Consecutor<int>("work",
            source => source.ForEachAsync(async (int _, ItemContext _, CancellationToken _) =>
        {
            begun.TrySetResult();
            await mayEnd.Task;
        }), Member.Options("me", store, clock));
        await work.StartAsync(Cancellation);
        await begun.Task;
        Assert.Equal("me", (await store.FindGroupAsync(Member.Group, Cancellation))!.QuarantineOwner);
        await work.PauseAsync(Cancellation);
        mayEnd.SetResult();
        while ((await store.FindGroupAsync(Member.Group, Cancellation))!.QuarantineOwner is not null) await Member.NextAsync();
        Assert.Equal(1, work.Snapshot().Completed);
        await work.ResumeAsync(Cancellation);
        Assert.Equal(2, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Fact]
    public async Task SuspectsOfAPartitionRunOnceThePartitionIsAcquired()
    {
        var counted = new CountedLeases(store);
        TaskCompletionSource isTaking = New(), mayGoOn = New();
        int begins = 0;
        Sink<int> sink = Sink.Commit(() => new WaitingSink(async () =>
        {
            if (Interlocked.Increment(ref begins) == 1) return;
            isTaking.SetResult();
            await mayGoOn.Task;
        }));
        await using var work = new Consecutor<int>("work", source => source | sink, Member.Options("me", counted, clock, partitions: 2));
        await work.SendAsync(1, Cancellation);
        await work.SendAsync(2, Cancellation);
        await store.AddGroupAsync(Member.Group, StreamStart.First, Cancellation);
        await store.BeatAsync(Member.Group, "ghost", Cancellation);
        AcquireResult ghosts = await store.AcquireAsync(Member.Group, 1, new("ghost"), Cancellation);
        Assert.Single((await store.LeaseAsync(new([ghosts.Ownership]) { MaxItems = 1 }, Cancellation)).Batches);
        await work.StartAsync(Cancellation);
        await store.BeatAsync(Member.Group, "ghost", Cancellation);      // it is heard of, or the sink would wait for what it has
        await Member.BeatAsync(store, clock, "me");
        await Member.UntilAsync(() => work.Snapshot().Completed == 1);
        while (!isTaking.Task.IsCompleted) await Member.BeatAsync(store, clock, "me");

        // The pump looks for work meanwhile.
        int before = counted.Count, sent = 2;
        for (; counted.Count < before + 2; sent++)
        {
            await work.SendAsync(sent, Cancellation);
            await Member.NextAsync();                // sending waits for nothing here: the pump may need this thread
        }
        mayGoOn.SetResult();
        Assert.Equal(sent, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Fact]
    public async Task AMemberSilencedByASlowStoreSendsAHeartbeatAfterTheAnswer()
    {
        var held = new HeldLeases(store);
        await using var work = new Consecutor<int>("work", source => source | (_ => { }), Member.Options("me", held, clock));
        await work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        await held.HasBatch;
        int looks = held.Looks;
        clock.Advance(Member.LeaseTime);
        await Member.UntilAsync(() => held.Looks > looks);                // instead of a heartbeat
        long beats = await Member.BeatsAsync(store, "me");
        held.Release();
        while (await Member.BeatsAsync(store, "me") == beats) await Member.NextAsync();
        Assert.Equal(1, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Fact]
    public async Task AMemberThatLostAllPartitionsAfterAFailedLeaseStaysInTheGroup()
    {
        var broken = new LeasesFailAndOthersTake(store);
        await using var work = new Consecutor<int>("work", source => source | (_ => { }), Member.Options("me", broken, clock));
        await work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        await Member.UntilAsync(() => broken.Taken.Count == 1);
        for (int round = 0; round < 5; round++)
        {
            await Member.BeatAsync(store, clock, "me");                   // a lease duration, and longer
            await store.BeatAsync(Member.Group, "other", Cancellation);
        }
        Assert.Equal("other:2", await Member.OwnersAsync(store));
        broken.Mend();
        foreach (Ownership taken in broken.Taken) await store.ReleaseAsync(taken, Cancellation);
        await Member.BeatAsync(store, clock, "me");
        Assert.Equal(1, (await work.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal("me:3", await Member.OwnersAsync(store));
    }

    [Fact]
    public async Task AbandonEndsAConsecutorWhileARedrivenLetterIsLeased()
    {
        var held = new HeldLeases(store);
        await using (Consecutor<int> broken = New(store))
        {
            await broken.StartAsync(Cancellation);
            await broken.SendAsync(-1, Cancellation);
            Assert.Equal(1, (await broken.WaitForIdleAsync(Cancellation)).Dead);
        }
        Consecutor<int> dropped = New(held);
        await dropped.StartAsync(Cancellation);
        await dropped.RedriveAsync(letter => letter.EntersAtNode, Cancellation);
        await held.HasBatch;
        Task ended = dropped.AbandonAsync();
        held.Release();
        await ended;
        await using Consecutor<int> last = New(store);
        await last.StartAsync(Cancellation);
        Assert.Equal((0L, 1L, 0L), ((await last.WaitForIdleAsync(Cancellation)).Completed, last.Snapshot().Dead,
            last.Snapshot().Unaccounted));

        Consecutor<int> New(IStreamStore itsStore) => new("work",
            source => source | (n => n * 2) | (n => { if (n < 0) throw new FormatException(); }),
            Member.Options("me", itsStore, clock) with { Delivery = DeliveryGuarantee.Replay(0) });
    }

    [Fact]
    public async Task AbandonEndsAConsecutorWhileItemsAreSettledBeforeTheyStart()
    {
        var silent = new SilentCommits(store);
        var work = new Consecutor<int>("work", source => source | (_ => { }),
            Member.Options("me", silent, clock) with { Delivery = DeliveryGuarantee.None });
        await work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        await silent.Called;
        await work.AbandonAsync();
        await using var last = new Consecutor<int>("work", source => source | (_ => { }), Member.Options("me", store, clock));
        await last.StartAsync(Cancellation);
        Assert.Equal(1, (await last.WaitForIdleAsync(Cancellation)).Completed);
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A process dies with this many items in flight.</summary>
    private async Task CrashAsync(int items)
    {
        TaskCompletionSource begun = New();
        var dying = new Consecutor<int>("work", source =>
            source.ForEachAsync(async (int _, ItemContext _, CancellationToken cancellation) =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        }), Member.Options("me", store, clock));
        await dying.SendAllAsync([.. Enumerable.Range(0, items)], Cancellation);
        await dying.StartAsync(Cancellation);
        await begun.Task;
        await dying.AbandonAsync();
    }
}
