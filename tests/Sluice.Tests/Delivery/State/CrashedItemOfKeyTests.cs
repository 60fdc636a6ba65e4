using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>An item that has used up its starts by crashes, behind an earlier item of its key that waits for its retry.</summary>
public class CrashedItemOfKeyTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ItNeverStartsAgain()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await store.OpenStreamAsync("work", new() { Partitions = 1 }, Cancellation);
        await store.AddGroupAsync(Member.Group, cancellation: Cancellation);
        using (var batch = new EntryBatch())
        {
            batch.Add("1"u8, EntryKey.Of("a"));
            batch.Add("2"u8, EntryKey.Of("a"));
            await store.AppendAsync(new("work", "sender", 0, 1, batch), Cancellation);
        }
        // The first item has failed. The second one kills two processes: beside another one, which is free, and alone.
        AcquireResult first = await store.AcquireAsync(Member.Group, 0, new("x") { Instance = "x1" }, Cancellation);
        await store.LeaseAsync(new([first.Ownership]), Cancellation);
        await store.CommitAsync(new(first.Ownership, 1)
        {
            Deferred = [new(1, 1, TimeSpan.FromHours(1), "", "It was not there.")]
        }, Cancellation);
        AcquireResult alone = await store.AcquireAsync(Member.Group, 0, new("y") { Instance = "y1" }, Cancellation);
        Quarantine quarantine = (await store.AcquireQuarantineAsync(Member.Group, "y", 0, Cancellation))!.Value;
        LeaseResult lease = await store.LeaseAsync(new([alone.Ownership]) { MaxItems = 1, Quarantine = quarantine }, Cancellation);
        Assert.Equal(2, Assert.Single(lease.Batches).Entries.Span[0].Sequence);
        await store.ReleaseQuarantineAsync(quarantine, Cancellation);

        var started = new ConcurrentQueue<int>();
        await using var work = new Consecutor<int>("work",
            source => source.ForEach(started.Enqueue), Member.Options("me", store, clock) with
            { Delivery = DeliveryGuarantee.Replay(0, Backoff.None) })
        { Key = static _ => "a" };
        await work.StartAsync(Cancellation);
        await Member.UntilAsync(work, static snapshot => snapshot.Dead == 1);
        Assert.Empty(started);
        DeadLetter letter = Assert.Single(await work.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Contains("The process ended once while nothing but this item", letter.Error, StringComparison.Ordinal);

        Task<ConsecutorSnapshot> idle = work.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMinutes(1));
            await Member.NextAsync();
        }
        ConsecutorSnapshot end = await idle;
        Assert.Equal((1L, 1L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal([1], started);
    }
}
