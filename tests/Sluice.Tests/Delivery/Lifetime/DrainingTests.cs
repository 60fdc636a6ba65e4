using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A drain is a pause during which members release their partitions. A resumption undoes it at any time.</summary>
public sealed class DrainingTests : IAsyncDisposable
{
    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<int> seen = new();
    private readonly MemoryStreamStore store;

    public DrainingTests() => store = new(clock);

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EachMemberReleasesItsPartitionsAndAcquiresThemAgainAfterTheResumption()
    {
        TaskCompletionSource begun = New(), mayEnd = New();
        await using Consecutor<int> a = Make("a", async item =>
        {
            if (item > 0) return;
            begun.TrySetResult();
            await mayEnd.Task;
        }), b = Make("b");
        await a.StartAsync(Cancellation);
        await a.SendAsync(0, Cancellation);
        await begun.Task.WaitAsync(Cancellation);
        await b.StartAsync(Cancellation);
        while (await OwnedByAsync("b") == 0) await Member.BeatAsync(store, clock, "a", "b");

        await store.DrainGroupAsync(Member.Group, Cancellation);                         // as another process does
        while (await OwnedByAsync("a") > 1 || await OwnedByAsync("b") > 0) await Member.BeatAsync(store, clock, "a", "b");
        Assert.True(b.Snapshot() is { Status: ConsecutorStatus.Paused, IsDraining: true });
        for (int beat = 0; beat < 10; beat++) await Member.BeatAsync(store, clock, "a", "b");      // longer than lease durations
        Assert.Equal(1, await OwnedByAsync("a"));                                        // its item is in flight
        Assert.Empty(seen);
        await b.SendAsync(1, Cancellation);
        mayEnd.SetResult();
        while (await OwnedByAsync("a") > 0) await Member.BeatAsync(store, clock, "a", "b");
        for (int beat = 0; beat < 10; beat++) await Member.BeatAsync(store, clock, "a", "b");
        Assert.Equal((0, 0), (await OwnedByAsync("a"), await OwnedByAsync("b")));
        Assert.Equal([0], seen);
        Assert.Contains("draining since", a.Snapshot().ToString(), StringComparison.Ordinal);

        await store.PauseGroupAsync(Member.Group, false, Cancellation);
        while (await OwnedByAsync("a") != 2 || await OwnedByAsync("b") != 2) await Member.BeatAsync(store, clock, "a", "b");
        while (seen.Count < 2) await Member.NextAsync();
        Assert.True(a.Snapshot() is { Status: ConsecutorStatus.Running, IsDraining: false, Suspect: 0 });
    }

    [Fact]
    public async Task AResumptionInTheMiddleKeepsTheItemsInFlight()
    {
        TaskCompletionSource begun = New(), mayEnd = New();
        await using Consecutor<int> a = Make("a", async _ =>
        {
            begun.TrySetResult();
            await mayEnd.Task;
        });
        await a.StartAsync(Cancellation);
        await a.SendAsync(0, Cancellation);
        await begun.Task.WaitAsync(Cancellation);
        await a.DrainAsync(Cancellation);
        while (await OwnedByAsync("a") > 1) await Member.BeatAsync(store, clock, "a");
        await a.ResumeAsync(Cancellation);
        while (await OwnedByAsync("a") < 4) await Member.BeatAsync(store, clock, "a");
        mayEnd.SetResult();
        await Member.UntilAsync(a, static now => now is { Completed: 1, Suspect: 0 });
        Assert.Equal([0], seen);                                                         // once
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task TheEndOfADrainIsNoticedAtOnceOrASecondAfterTheLastChangeAndNotByTheNextHeartbeat(int changes)
    {
        var asked = new ShowsWaits(store);
        var time = new CountsRests(clock);
        await using Consecutor<int> a = Make("a", on: asked, time: time);
        await a.StartAsync(Cancellation);
        await store.DrainGroupAsync(Member.Group, Cancellation);
        while (await OwnedByAsync("a") > 0) await Member.BeatAsync(store, clock, "a");
        // It rests after the changes of the releases, which the store tells a moment after the partitions are free.
        await Member.UntilAsync(() => asked.Releases == 4);
        long last = await store.WaitForChangeAsync("work", -1, Cancellation);
        while (asked.WaitsFrom != last)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        // From here on, time passes only where it is moved on: less than the time between heartbeats.
        int number = 0;
        for (int second = 0; second < changes; second++)
        {
            int rests = time.Rests, waits = asked.Waits;
            await ChangeAsync();
            await Member.UntilAsync(() => time.Rests > rests);
            for (int change = 0; change < 5; change++) await ChangeAsync();
            Assert.Equal(waits, asked.Waits);
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.UntilAsync(() => asked.Waits > waits);          // the changes of the second are one
            await Member.UntilAsync(() => time.Rests > rests + 1);
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.UntilAsync(() => asked.IsWaiting);
        }
        int before = time.Rests;
        if (changes > 0)
        {
            await ChangeAsync();
            await Member.UntilAsync(() => time.Rests > before);
        }
        await store.PauseGroupAsync(Member.Group, false, Cancellation);                  // by another process
        if (changes > 0) clock.Advance(TimeSpan.FromSeconds(1));
        while (await OwnedByAsync("a") < 4) await Member.NextAsync();
        Assert.Equal(ConsecutorStatus.Running, a.Snapshot().Status);

        async Task ChangeAsync()
        {
            using var batch = new EntryBatch();
            batch.Add("1"u8);
            await store.AppendAsync(new("work", "another", 0, ++number, batch), Cancellation);
        }
    }

    [Fact]
    public async Task AMemberWhoseVersionKnowsNoDrainIsPaused()
    {
        await using Consecutor<int> old = Make("a", on: new WithoutDrains(store)), now = Make("b");
        await old.StartAsync(Cancellation);
        await now.StartAsync(Cancellation);
        while (await OwnedByAsync("b") < 2) await Member.BeatAsync(store, clock, "a", "b");
        await store.DrainGroupAsync(Member.Group, Cancellation);
        while (await OwnedByAsync("b") > 0 || old.Snapshot().Status != ConsecutorStatus.Paused)
            await Member.BeatAsync(store, clock, "a", "b");
        for (int i = 0; i < 8; i++) await now.SendAsync(i, Cancellation);
        for (int beat = 0; beat < 5; beat++) await Member.BeatAsync(store, clock, "a", "b");
        Assert.Empty(seen);
        Assert.NotEqual(0, await OwnedByAsync("a"));
        Assert.Equal(0, await OwnedByAsync("b"));
        await now.ResumeAsync(Cancellation);
        while (seen.Count < 8) await Member.BeatAsync(store, clock, "a", "b");
    }

    [Fact]
    public async Task ItemsOfAMemberThatDiesDuringTheDrainWaitForTheResumption()
    {
        TaskCompletionSource begun = New(), never = New();
        Consecutor<int> dies = Make("a", async _ =>
        {
            begun.TrySetResult();
            await never.Task;
        });
        await dies.StartAsync(Cancellation);
        await dies.SendAsync(0, Cancellation);
        await begun.Task.WaitAsync(Cancellation);
        await using Consecutor<int> other = Make("b");
        await other.StartAsync(Cancellation);
        await dies.DrainAsync(Cancellation);
        while (await OwnedByAsync("a") > 1) await Member.BeatAsync(store, clock, "a", "b");
        Task abandoned = dies.AbandonAsync();
        for (int beat = 0; beat < 10; beat++) await Member.BeatAsync(store, clock, "b");
        Assert.Equal((1, 0), (await OwnedByAsync("a"), await OwnedByAsync("b")));        // nobody takes it during the drain
        await other.ResumeAsync(Cancellation);
        while (seen.IsEmpty) await Member.BeatAsync(store, clock, "b");
        await Member.UntilAsync(other, static now => now is { Completed: 1, Suspect: 0 });
        never.SetResult();
        await abandoned;
    }

    [Fact]
    public async Task AMemberThatStartsDuringADrainAcquiresNothing()
    {
        await store.OpenStreamAsync("work", new() { Partitions = 4 }, Cancellation);
        await store.AddGroupAsync(Member.Group, StreamStart.First, Cancellation);
        await store.AcquireAsync(Member.Group, 0, new("a"), Cancellation);               // as an earlier process of its name has left it
        await store.DrainGroupAsync(Member.Group, Cancellation);
        await using Consecutor<int> a = Make("a");
        await a.StartAsync(Cancellation);
        await a.SendAsync(1, Cancellation);
        while (await OwnedByAsync("a") > 0) await Member.BeatAsync(store, clock, "a");
        for (int beat = 0; beat < 10; beat++) await Member.BeatAsync(store, clock, "a");
        Assert.Equal(0, await OwnedByAsync("a"));
        Assert.Empty(seen);
        Assert.True(await a.StopAsync());
        await using Consecutor<int> next = Make("b");
        await next.StartAsync(Cancellation);
        Assert.Equal(ConsecutorStatus.Paused, next.Snapshot().Status);                   // it survives a restart
        await next.ResumeAsync(Cancellation);
        Assert.Equal(1, (await next.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Fact]
    public async Task WithoutAStoreADrainIsAPause()
    {
        await using var work = new Consecutor<int>("work", source => source | seen.Enqueue);
        await work.StartAsync(Cancellation);
        await work.DrainAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        for (int i = 0; i < 200; i++) await Member.NextAsync();
        Assert.Empty(seen);
        await work.ResumeAsync(Cancellation);
        Assert.Equal(1, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    private async Task<int> OwnedByAsync(string member)
        => (await store.FindGroupAsync(Member.Group, Cancellation))!.Partitions.Count(partition => partition.Owner == member);

    private Consecutor<int> Make(string name, Func<int, Task>? handle = null, IStreamStore? on = null, TimeProvider? time = null)
        => new("work", source => source.ForEachAsync(async (int item, ItemContext _, CancellationToken _) =>
        {
            if (handle is not null) await handle(item);
            seen.Enqueue(item);
        }), Member.Options(name, on ?? store, time ?? clock, 4));

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A store as a version of Sluice without drains reads it.</summary>
    private sealed class WithoutDrains(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override async ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
            => await base.FindGroupAsync(group, cancellation) is { } found ? found with { IsDraining = false } : null;
    }

    /// <summary>Shows how often a change of a stream was waited for, and whether one is waited for now.</summary>
    private sealed class ShowsWaits(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int waits;
        private int releases;
        private volatile Task<long>? last;
        private long from;

        /// <summary>The releases that were answered.</summary>
        public int Releases => Volatile.Read(ref releases);

        /// <summary>The position behind which a change is waited for now; -1 if none is.</summary>
        public long WaitsFrom => IsWaiting ? Volatile.Read(ref from) : -1;

        public int Waits => Volatile.Read(ref waits);

        public bool IsWaiting => last is { IsCompleted: false };

        public override ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
        {
            Task<long> wait = base.WaitForChangeAsync(stream, after, cancellation).AsTask();
            Volatile.Write(ref from, after);
            last = wait;
            Interlocked.Increment(ref waits);
            return new(wait);
        }

        public override async ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
        {
            bool isReleased = await base.ReleaseAsync(owner, cancellation);
            Interlocked.Increment(ref releases);
            return isReleased;
        }
    }

    /// <summary>Counts the timers of one second that were set.</summary>
    private sealed class CountsRests(TestClock inner) : TimeProvider
    {
        private int rests;

        public int Rests => Volatile.Read(ref rests);

        public override long TimestampFrequency => inner.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

        public override long GetTimestamp() => inner.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer made = inner.CreateTimer(callback, state, dueTime, period);
            if (dueTime == TimeSpan.FromSeconds(1)) Interlocked.Increment(ref rests);
            return made;
        }
    }
}
