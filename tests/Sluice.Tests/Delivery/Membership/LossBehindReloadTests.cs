using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A replica that lacks acknowledged writes takes over while a lease is on its way. A member that processes only makes no call
/// then that shows the loss, but for the acquisition of its partitions.</summary>
public class LossBehindReloadTests
{
    private const int Before = 5, Lost = 3;

    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<string> ids = new();
    private long sent;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="isOwned">Whether the replica knows that the member has the partition.</param>
    /// <param name="failsRelease">Whether the first release fails.</param>
    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task TheLossIsNoticed(bool isOwned, bool failsRelease)
    {
        await using MemoryStreamStore master = new(clock), replica = new(clock);
        IStreamStore store = ReplicatedStore.Over(master, replica, out ReplicatedStore control);
        await store.OpenStreamAsync("work", new() { Partitions = 1 }, Cancellation);
        await store.AddGroupAsync(Member.Group, cancellation: Cancellation);
        if (!isOwned) control.Cut();
        await using var work = new Consecutor<int>("work", source => source.ForEachAsync((int _, ItemContext item, CancellationToken _) =>
        {
            ids.Enqueue(item.Id);
            return default;
        }), Member.Options("one", store, clock));
        await work.StartAsync(Cancellation);
        await SendAsync(store, work, Before);
        control.Cut();
        await SendAsync(store, work, Lost);
        Assert.Null(work.Snapshot().Loss);

        control.FailLease(failsRelease);
        await AppendAsync(master);
        var rounds = new Rounds(100_000);
        while (work.Snapshot().Loss is null || store.Generation == 1)
        {
            Assert.True(await rounds.GoOnAsync(), $"no loss is noticed: {work.Snapshot()}");
            clock.Advance(TimeSpan.FromMilliseconds(10));
            await Member.NextAsync();
        }
        string loss = work.Snapshot().Loss!;
        sent = isOwned ? Before : 0;
        await SendAsync(store, work, Lost, within: isOwned ? Before : 0);
        Assert.Equal(Before + Lost + Lost, ids.Distinct().Count());
        Assert.Equal(loss, work.Snapshot().Loss);
    }

    private async Task SendAsync(IStreamStore store, Consecutor<int> work, int count, int? within = null)
    {
        int expected = ids.Count + count;
        for (int i = 0; i < count; i++) await AppendAsync(store);
        var rounds = new Rounds(100_000);
        while (ids.Count < expected || work.Snapshot().InFlight > 0)
        {
            Assert.True(await rounds.GoOnAsync(), $"{work.Snapshot()}, {within}");
            if (within is not null) clock.Advance(TimeSpan.FromMilliseconds(10));
            await Member.NextAsync();
        }
    }

    private async Task AppendAsync(IStreamStore store)
    {
        using var batch = new EntryBatch();
        batch.Add("1"u8);
        await store.AppendAsync(new("work", "sender", 0, ++sent, batch), Cancellation);
    }
}
