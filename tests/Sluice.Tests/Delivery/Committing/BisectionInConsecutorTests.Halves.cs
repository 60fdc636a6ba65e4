using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <content>Halves beside other failures, under another name of their stage, and as letters that are edited.</content>
public partial class BisectionInConsecutorTests
{
    /// <summary>One branch divides its list; the failure of the other one is counted, although nothing is kept of it.</summary>
    [Fact]
    public async Task AFailureBesideADividedListIsCounted()
    {
        await using var store = new MemoryStreamStore();
        var ended = new TaskCompletionSource<BatchCompleted>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var consecutor = new Consecutor<int[]>("work", source => source |
        [
            s => s.ForEach(static list =>
            {
                if (list.Length == 4) throw new FormatException("too long");
            }) | Stage.Named("divides").Bisect,
            s => s.ForEach(static _ => throw new FormatException("no good")) | Stage.Named("fails"),
        ], new()
        {
            Store = store,
            Delivery = DeliveryGuarantee.Confirm,
            OnBatchCompleted = (end, _) =>
            {
                ended.TrySetResult(end);
                return default;
            },
        });
        await consecutor.StartAsync(Cancellation);
        ConsecutorBatch<int[]> batch = await consecutor.OpenBatchAsync("today", Cancellation);
        await batch.SendAsync([0, 1, 2, 3], Cancellation);
        await batch.CloseAsync(Cancellation);
        Assert.Equal(1, (await ended.Task.WaitAsync(Cancellation)).Failed);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((1L, 0L), (end.Cancelled, end.Unaccounted));
        Assert.Contains("no good", end.LastFailure, StringComparison.Ordinal);
    }

    /// <summary>Halves of a list wait while the stage gets another name.</summary>
    [Fact]
    public async Task HalvesAreDividedFurtherAfterTheirStageWasRenamed()
    {
        await using var store = new MemoryStreamStore();
        bad.Add(2);
        var waits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ConsecutorOptions options = new() { Store = store, Process = new(), Delivery = DeliveryGuarantee.Replay(0), InstanceId = "me" };
        await using (var old = new Consecutor<int[]>("work", source => source.ForEachAsync(
            async (int[] list, ItemContext _, CancellationToken cancellation) =>
            {
                if (list.Length == 4) throw new FormatException("too long");
                waits.TrySetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            }) | Stage.Named("old").Bisect, options))
        {
            await old.StartAsync(Cancellation);
            await old.SendAsync([0, 1, 2, 3], Cancellation);
            await waits.Task.WaitAsync(Cancellation);
            await old.StopAsync(TimeSpan.Zero, Cancellation);
        }
        await using var renamed = new Consecutor<int[]>("work", source => source | Write | Stage.Named("new").Bisect | Each
            | ledger.Sink<int>(), options with
            {
                Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
                State = [StateChange.Renamed("old", "new")]
            });
        await renamed.StartAsync(Cancellation);
        await renamed.WaitForIdleAsync(Cancellation);
        Assert.Equal(["0,1", "2", "2", "2,3", "3"], started.Order(StringComparer.Ordinal));
        DeadLetter letter = Assert.Single(await renamed.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal("work -> new, item 3 of 4", letter.Path);
        Assert.EndsWith("/old[2..3]", letter.Id, StringComparison.Ordinal);
    }

    /// <summary>The letter of an item of a half has its key in its headers only.</summary>
    [Fact]
    public async Task AnEditedLetterOfAHalfGoesWhereItsKeyBelongs()
    {
        const int Keys = 5;
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int[]>("work", source => source.Select(static list
            => list.Length == 2 ? throw new FormatException("too long") : list) | Stage.Named("write").Bisect | Each
            | (static n => n < 0 ? throw new FormatException("too small") : n) | Stage.Named("check")
            | StageNode.Of(() => new Count()) | Stage.Named("count") | ledger.Sink<int>(),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(0), Stream = new() { Partitions = 64 } })
        { Key = static list => $"of {Math.Abs(list[0])}" };
        await consecutor.StartAsync(Cancellation);
        for (int n = 1; n <= Keys; n++) await consecutor.SendAsync([n, -n], Cancellation);
        Assert.Equal(Keys, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
        foreach (StoredDeadLetter letter in await store.ListDeadAsync(new("work", "work"), cancellation: Cancellation))
            Assert.True(await DeadLetterEditing.SendEditedAsync(store, new("work", "work"), letter, "7"u8.ToArray(), Cancellation));
        // The consecutor does not know of them before it leases them: the store does.
        while ((await store.FindStreamAsync("work", Cancellation))!.Groups[0].Outstanding > 0) await Member.PollAsync();
        Assert.Empty(await store.ListDeadAsync(new("work", "work"), cancellation: Cancellation));
        Assert.Equal(Keys, Lines().Count(static n => n == 7));
    }
}
