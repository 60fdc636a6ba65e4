using System.Collections.Concurrent;
using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The pause of a consecutor holds all of its members, whoever began it, and no member asks without end.</summary>
public sealed class PausingTests : IAsyncDisposable
{
    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<int> seen = new();
    private readonly ConcurrentQueue<string> warnings = new();
    private readonly MemoryStreamStore memory;
    private readonly PausedStore store;

    public PausingTests() => store = new(memory = new(clock));

    public ValueTask DisposeAsync() => memory.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APauseHoldsAllMembersAndSurvivesARestart()
    {
        await using (Consecutor<int> a = Make("a"), b = Make("b"))
        {
            await a.StartAsync(Cancellation);
            await b.StartAsync(Cancellation);
            await a.PauseAsync(Cancellation);
            Assert.Equal(ConsecutorStatus.Paused, a.Snapshot().Status);
            Assert.NotNull(a.Snapshot().PausedAt);
            for (int i = 0; i < 10; i++) await b.SendAsync(i, Cancellation);
            while (b.Snapshot().Status != ConsecutorStatus.Paused) await Member.BeatAsync(store, clock, "a", "b");
            await Member.UntilAsync(() => !warnings.IsEmpty);
            Assert.Contains("work is paused since", Assert.Single(warnings), StringComparison.Ordinal);       // a has paused it itself
            Assert.True(await a.StopAsync());
            Assert.True(await b.StopAsync());
        }
        await using Consecutor<int> c = Make("c"), d = Make("d");
        await c.StartAsync(Cancellation);
        await Member.UntilAsync(c, static now => now.Status == ConsecutorStatus.Paused);
        await RestAsync();
        Assert.Empty(seen);
        await d.ResumeAsync(Cancellation);           // another one ends the pause, and need not run
        ConsecutorSnapshot end = await c.WaitForIdleAsync(Cancellation);
        Assert.Equal((10L, ConsecutorStatus.Running, null), (end.Completed, end.Status, end.PausedAt));
    }

    [Fact]
    public async Task AnItemInFlightEndsDuringThePause()
    {
        TaskCompletionSource begun = New(), mayEnd = New();
        await using Consecutor<int> work = Make("a", async _ =>
        {
            begun.TrySetResult();
            await mayEnd.Task;
        }, mostInFlight: 1);
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([1, 2], Cancellation);
        await begun.Task.WaitAsync(Cancellation);
        await memory.PauseGroupAsync(Member.Group, true, Cancellation);                  // as another process does
        mayEnd.SetResult();
        ConsecutorSnapshot now = await Member.UntilAsync(work, static now => now is { Completed: 1, Status: ConsecutorStatus.Paused });
        await RestAsync();
        Assert.Equal((1L, 1L, 0L), (work.Snapshot().Pending, work.Snapshot().Completed, work.Snapshot().InFlight));
        Assert.Equal(now.PausedAt, (await memory.FindGroupAsync(Member.Group, Cancellation))!.PausedAt);
        await memory.PauseGroupAsync(Member.Group, false, Cancellation);
        Assert.Equal(2, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Fact]
    public async Task AConsecutorIsPausedBeforeItsStart()
    {
        await using Consecutor<int> work = Make("a");
        await work.PauseAsync(Cancellation);
        Assert.Equal(ConsecutorStatus.Created, work.Snapshot().Status);
        await work.SendAsync(1, Cancellation);
        await work.StartAsync(Cancellation);
        await Member.UntilAsync(work, static now => now.Status == ConsecutorStatus.Paused);
        await RestAsync();
        Assert.Empty(seen);
        await work.ResumeAsync(Cancellation);
        Assert.Equal(1, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task APausedMemberDoesNotPoll(bool hasSuspects)
    {
        if (hasSuspects) await CrashAsync();
        await memory.OpenStreamAsync("work", new() { Partitions = 2 }, Cancellation);
        await memory.AddGroupAsync(Member.Group, StreamStart.First, Cancellation);
        await memory.PauseGroupAsync(Member.Group, true, Cancellation);
        await using Consecutor<int> work = Make("a");
        await work.StartAsync(Cancellation);
        while (work.Snapshot() is not { Status: ConsecutorStatus.Paused } || (hasSuspects && work.Snapshot().Suspect == 0))
            await Member.BeatAsync(store, clock, "a");
        await work.SendAsync(1, Cancellation);
        await RestAsync();
        int before = store.Asked;
        for (int beat = 0; beat < 50; beat++)
        {
            await Member.BeatAsync(store, clock, "a");
            await RestAsync();
        }
        Assert.InRange(store.Asked - before, 0, 10);                                     // mostly none
        Assert.Empty(seen);
        Assert.Equal(0, (await memory.FindGroupAsync(Member.Group, Cancellation))!.QuarantineEpoch);
        await memory.PauseGroupAsync(Member.Group, false, Cancellation);
        Assert.Equal(hasSuspects ? 2 : 1, (await work.WaitForIdleAsync(Cancellation)).Completed);
    }

    /// <summary>The pause ends after the store has answered a lease with it, and before the member gets the answer.</summary>
    [Fact]
    public async Task AResumptionDuringALeaseIsNotMissed()
    {
        await using Consecutor<int> work = Make("a");
        await work.StartAsync(Cancellation);
        await work.PauseAsync(Cancellation);
        await RestAsync();
        store.ResumesBehindLease = true;
        await work.SendAsync(1, Cancellation);
        Assert.Equal(1, (await work.WaitForIdleAsync(Cancellation)).Completed);
        Assert.False(store.ResumesBehindLease);
    }

    [Fact]
    public async Task PausesAndResumptionsByManyAtOnceEndWithTheLastOne()
    {
        await using Consecutor<int> a = Make("a"), b = Make("b");
        await a.StartAsync(Cancellation);
        await b.StartAsync(Cancellation);
        // Each has one partition: a member that learns of a pause looks at the group and gives a surplus partition away, and the other
        // takes it with its next heartbeat. Time stands still from here on.
        while (await OwnersAsync() is not ["a", "b"] and not ["b", "a"]) await Member.BeatAsync(store, clock, "a", "b");
        for (int round = 0; round < 20; round++)
        {
            await Task.WhenAll(a.PauseAsync(Cancellation), b.ResumeAsync(Cancellation), a.ResumeAsync(Cancellation),
                b.PauseAsync(Cancellation), a.SendAsync(round, Cancellation).AsTask(),
                memory.PauseGroupAsync(Member.Group, round % 2 == 0, Cancellation).AsTask());
            await a.ResumeAsync(Cancellation);
            while (seen.Count <= round) await Member.NextAsync();
        }
        Assert.Equal(Enumerable.Range(0, 20), seen.Order());
    }

    private async Task<List<string?>> OwnersAsync()
        => [.. (await memory.FindGroupAsync(Member.Group, Cancellation))!.Partitions.Select(static partition => partition.Owner)];

    [Fact]
    public async Task ItemsOfADeadMemberWaitForTheEndOfThePause()
    {
        await CrashAsync();
        await memory.PauseGroupAsync(Member.Group, true, Cancellation);
        await using Consecutor<int> next = Make("a");
        await next.StartAsync(Cancellation);
        while (next.Snapshot() is not { Suspect: 1, Status: ConsecutorStatus.Paused }) await Member.BeatAsync(store, clock, "a");
        await RestAsync();
        Assert.Empty(seen);
        await next.ResumeAsync(Cancellation);
        Assert.Equal(1, (await next.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Fact]
    public async Task WaitForIdleSaysThatItWaitsForTheEndOfAPause()
    {
        await using Consecutor<int> work = Make("a");
        await work.StartAsync(Cancellation);
        await work.PauseAsync(Cancellation);
        Assert.True((await work.WaitForIdleAsync(Cancellation)).IsIdle);                  // nothing waits
        Assert.Empty(warnings);
        await work.SendAsync(1, Cancellation);
        Task<ConsecutorSnapshot> idle = work.WaitForIdleAsync(Cancellation);
        await Member.UntilAsync(() => !warnings.IsEmpty);
        Assert.StartsWith("WaitForIdleAsync of work waits for the end of a pause that began at 2026-01-01 00:0", Assert.Single(warnings),
            StringComparison.Ordinal);
        await work.ResumeAsync(Cancellation);
        Assert.Equal(1, (await idle).Completed);
        Assert.Single(warnings);
    }

    [Fact]
    public async Task APauseOfAnotherConsecutorOfTheProcessDoesNotHoldSuspectsUp()
    {
        await CrashAsync();
        var process = new ExclusiveExecution();
        await using var paused = new Consecutor<int>("more", source => source | (_ => { }),
            Member.Options("a", memory, clock) with { Process = process });
        await paused.StartAsync(Cancellation);
        await paused.PauseAsync(Cancellation);
        await paused.SendAsync(1, Cancellation);
        await using var work = new Consecutor<int>("work", source => source | seen.Enqueue,
            Member.Options("b", memory, clock, 2) with { Process = process });
        await work.StartAsync(Cancellation);
        Task<ConsecutorSnapshot> idle = work.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted) await Member.BeatAsync(memory, clock, "b");
        Assert.Equal(1, (await idle).Completed);
    }

    private Consecutor<int> Make(string name, Func<int, Task>? handle = null, int mostInFlight = 100)
        => new("work", source => source.ForEachAsync(async (int item, ItemContext _, CancellationToken _) =>
        {
            if (handle is not null) await handle(item);
            seen.Enqueue(item);
        }), Member.Options(name, store, clock, 2) with { OnWarning = warnings.Enqueue, MaxInFlight = mostInFlight });

    /// <summary>Leaves an item that was in flight when its process died.</summary>
    private async Task CrashAsync()
    {
        TaskCompletionSource begun = New(), never = New();
        var dead = new Consecutor<int>("work", source => source.ForEachAsync(async (int _, ItemContext _, CancellationToken cancellation) =>
        {
            begun.TrySetResult();
            await never.Task.WaitAsync(cancellation);
        }), Member.Options("a", memory, clock, 2));
        await dead.StartAsync(Cancellation);
        await dead.SendAsync(-1, Cancellation);
        await begun.Task.WaitAsync(Cancellation);
        await dead.AbandonAsync();
    }

    private static async Task RestAsync()
    {
        for (int i = 0; i < 200; i++) await Member.NextAsync();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Counts leases, and can end a pause between the answer to a lease and its arrival.</summary>
    private sealed class PausedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int asked;

        public int Asked => Volatile.Read(ref asked);

        public bool ResumesBehindLease { get; set; }

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            Interlocked.Increment(ref asked);
            LeaseResult lease = await base.LeaseAsync(request, cancellation);
            if (!lease.IsPaused || !ResumesBehindLease) return lease;
            ResumesBehindLease = false;
            await Inner.PauseGroupAsync(Member.Group, false, cancellation);
            for (int i = 0; i < 100; i++) await Task.Yield();
            return lease;
        }
    }
}
