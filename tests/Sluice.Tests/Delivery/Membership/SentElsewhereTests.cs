using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>What a member knows of items that other processes send and end, while it works itself.</summary>
public class SentElsewhereTests
{
    private readonly TestClock clock = new();
    private readonly TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ABusyMemberKnowsTheBacklogThatOthersSend()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> sender = Make(store, "a"), worker = Make(store, "b", maxInFlight: 2, hangs: true);
        await worker.StartAsync(Cancellation);
        await sender.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        await Member.UntilAsync(worker, static now => now.InFlight > 0);
        ConsecutorSnapshot busy = await BeatUntilAsync(store, worker, static now => now.Pending > 0, "b");
        Assert.Equal((100L, 100L, 0L, false), (busy.Accepted, busy.Pending + busy.InFlight, busy.Unaccounted, busy.IsIdle));
        release.SetResult();
        ConsecutorSnapshot end = await worker.WaitForIdleAsync(Cancellation);
        Assert.Equal((100L, 100L, 0L), (end.Accepted, end.Completed, end.Unaccounted));
    }

    [Fact]
    public async Task ABusyMemberKnowsThatOthersHaveEndedWhatItSent()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> first = Make(store, "a", partitions: 2, maxInFlight: 2, hangs: true),
            second = Make(store, "b", partitions: 2);
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        while (!(await PartitionsAsync()).Select(static one => one.Owner).Order().SequenceEqual(["a", "b"]))
            await Member.BeatAsync(store, clock, "a", "b");
        await first.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        while ((await PartitionsAsync()).First(static one => one.Owner == "b") is var of && of.Done < of.Tail) await Member.PollAsync();
        await Member.UntilAsync(first, static now => now.InFlight > 0);
        long outstanding = (await store.FindStreamAsync("work", Cancellation))!.Groups[0].Outstanding;
        Assert.InRange(outstanding, 20, 80);
        // What it has in flight may have ended, as far as the look at the store can tell.
        ConsecutorSnapshot busy = await BeatUntilAsync(store, first, now => now.Pending <= outstanding, "a", "b");
        Assert.Equal((0L, 0L), (busy.Completed, busy.Unaccounted));
        release.SetResult();
        Task<ConsecutorSnapshot> idle = first.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted) await Member.BeatAsync(store, clock, "a", "b");
        Assert.Equal((100L, 100L), ((await idle).Accepted, (await idle).Completed));

        async Task<IReadOnlyList<PartitionInfo>> PartitionsAsync()
            => (await store.FindGroupAsync(Member.Group, Cancellation))!.Partitions;
    }

    /// <summary>It has leased an item more than it had counted, then counts one that it has not leased.</summary>
    [Fact]
    public async Task AWaiterForItsOwnItemIsNotMisledByAnItemOfAnotherProcess()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> sender = Make(store, "a"), worker = Make(store, "b");
        await worker.StartAsync(Cancellation);
        await sender.SendAsync(1, Cancellation);
        await Member.UntilAsync(worker, static now => now is { Completed: 1, InFlight: 0 });
        await worker.PauseAsync(Cancellation);
        await worker.SendAsync(2, Cancellation);
        Task<ConsecutorSnapshot> idle = worker.WaitForIdleAsync(Cancellation);
        await Member.UntilAsync(worker, static now => !now.IsIdle);     // the waiter has asked the store
        Assert.False(idle.IsCompleted);
        await worker.ResumeAsync(Cancellation);
        Assert.Equal(2, (await idle).Completed);
    }

    /// <remarks>Regression: who waits for all items asked the store again at once, in a loop, while nothing had changed.</remarks>
    [Fact]
    public void ACountThatHasNotChangedWakesNobody()
    {
        var ledger = new ItemLedger();
        int moves = 0;
        ledger.Moved += () => moves++;
        ledger.Compare(0, 5);
        ledger.Compare(0, 5);
        Assert.Equal((1, false), (moves, ledger.IsIdle));
        ledger.Compare(0, 0);
        ledger.Compare(0, 0);
        Assert.Equal((2, true), (moves, ledger.IsIdle));
    }

    private Consecutor<int> Make(MemoryStreamStore store, string name, int partitions = 1, int? maxInFlight = null,
        bool hangs = false)
    {
        ConsecutorOptions options = Member.Options(name, store, clock, partitions);
        return new("work", source => source | (async (int _, CancellationToken cancellation) =>
        {
            if (hangs) await release.Task.WaitAsync(cancellation);
        }), maxInFlight is { } most ? options with { MaxInFlight = most } : options)
        { Key = partitions > 1 ? static item => $"{item}" : null };
    }

    private async Task<ConsecutorSnapshot> BeatUntilAsync(IStreamStore store, Consecutor<int> member,
        Func<ConsecutorSnapshot, bool> isReached, params string[] living)
    {
        var rounds = new Rounds(50);
        while (true)
        {
            ConsecutorSnapshot now = member.Snapshot();
            if (isReached(now)) return now;
            Assert.True(await rounds.GoOnAsync(), $"{now}");
            await Member.BeatAsync(store, clock, living);
            for (int i = 0; i < 50; i++) await Member.NextAsync();
        }
    }
}
