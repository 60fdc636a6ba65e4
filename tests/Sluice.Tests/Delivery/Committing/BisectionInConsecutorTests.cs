using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A list that fails in a consecutor is divided in halves (bisected) until its bad items are alone.</summary>
public partial class BisectionInConsecutorTests
{
    private readonly Ledger ledger = new();
    private readonly ConcurrentQueue<string> started = new();
    private readonly HashSet<int> bad = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OneBadItemOfAChunkIsDeadLetteredAloneAndCanBeRedriven()
    {
        // The clock stands still: no round is slow, so the sizes of the rounds are known.
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        bad.Add(37);
        await using Consecutor<int> consecutor = Chunks(store, 64, DeliveryGuarantee.Replay(1, Backoff.None), clock);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. Enumerable.Range(0, 64)], Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((1L, 0L, 0L), (end.Dead, end.Cancelled, end.Unaccounted));
        Assert.Equal(Enumerable.Range(0, 64).Where(static n => n != 37), Lines());

        // The chunk starts three times (when it was put out, and two attempts), each half once, the single bad item twice.
        Assert.Equal(3 + (2 * 5) + 1 + 2, started.Count);
        DeadLetter letter = Assert.Single(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal([37], Assert.IsType<int[]>(letter.Item));
        Assert.Equal(("write", 2, "work -> chunks -> write, item 38 of 64", true, "FormatException: 37 is bad"),
            (letter.Node, letter.Attempts, letter.Path, letter.EntersAtNode, letter.Error));
        // Rounds begin with 16 items, then 32: the chunk is full in the third.
        Assert.Equal("work/0/chunks/3.1@1/write[37..38]", letter.Id);

        bad.Clear();
        Assert.Equal(1, await consecutor.RedriveAsync(letter.Id, Cancellation));
        end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((0L, 0L), (end.Dead, end.Unaccounted));
        Assert.Equal(Enumerable.Range(0, 64), Lines());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(64)]
    public async Task AListOfBadItemsGivesOneDeadLetterPerItemInABoundedNumberOfStarts(int count)
    {
        await using var store = new MemoryStreamStore();
        bad.UnionWith(Enumerable.Range(0, count));
        await using Consecutor<int> consecutor = Chunks(store, count, DeliveryGuarantee.Replay(0));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. bad], Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((count, count, 0L, 0L), (end.Accepted, end.Dead, end.Cancelled, end.Unaccounted));
        Assert.Equal((2 * count) - 1 + 1, started.Count);           // the first start of a chunk is not an attempt
        List<DeadLetter> letters = await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation);
        Assert.Equal(bad.Order(), letters.Select(static letter => Assert.Single((int[])letter.Item!)).Order());
        Assert.Equal(count, letters.Select(static letter => letter.Id).Distinct().Count());
    }

    [Theory]
    [InlineData(ErrorPolicy.Skip)]
    [InlineData(ErrorPolicy.DeadLetter)]
    public async Task ABisectedStageSplitsAtOnceAndAppliesItsErrorPolicyToSingleItems(ErrorPolicy policy)
    {
        await using var store = new MemoryStreamStore();
        bad.Add(2);
        await using var consecutor = new Consecutor<int[]>("work",
            source => source | Write | Stage.Named("write").Bisect.OnError(policy) | Each | ledger.Sink<int>(),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(5, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync([0, 1, 2, 3], Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((policy == ErrorPolicy.DeadLetter ? 1L : 0L, policy == ErrorPolicy.Skip ? 1L : 0L, 0L),
            (end.Dead, end.Cancelled, end.Unaccounted));
        Assert.Equal(["0,1", "0,1,2,3", "2", "2,3", "3"], started.Order(StringComparer.Ordinal));
        Assert.Equal([0, 1, 3], Lines());
    }

    [Theory]
    [InlineData(true, "Confirm")]
    [InlineData(false, "Confirm")]
    [InlineData(true, "Track(10)")]
    [InlineData(false, "Track(10)")]
    [InlineData(false, "Replay(2)")]
    [InlineData(true, "None")]
    [InlineData(false, "None")]
    public async Task EachDeliveryLevelBisectsWithAndWithoutAStore(bool hasStore, string level)
    {
        await using var store = new MemoryStreamStore();
        bad.UnionWith([2, 3, 7]);
        var written = new ConcurrentQueue<int>();
        DeliveryGuarantee delivery = level switch
        {
            "Confirm" => DeliveryGuarantee.Confirm,
            "None" => DeliveryGuarantee.None,
            "Track(10)"
            => DeliveryGuarantee.Track(10),
            _ => DeliveryGuarantee.Replay(2, Backoff.None)
        };
        await using var consecutor = new Consecutor<int[]>("work",
            source => source | Write | Stage.Named("write").Bisect | Each | written.Enqueue,
            new() { Store = hasStore ? store : null, Delivery = delivery });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([[0, 1, 2, 3, 4], [5], [6, 7]], Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal([0, 1, 4, 5, 6], written.Order());
        Assert.Equal(level is "Confirm" or "None" ? 0 : 3, end.Dead);
        Assert.Equal(0, end.Unaccounted);
        if (level == "Confirm") Assert.Equal(3, end.Cancelled);
    }

    [Fact]
    public async Task HalvesBelongToTheBatchOfTheirList()
    {
        await using var store = new MemoryStreamStore();
        bad.UnionWith([1, 6]);
        var ended = new TaskCompletionSource<BatchCompleted>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var consecutor = new Consecutor<int[]>("work",
            source => source | Write | Stage.Named("write").Bisect | Each | ledger.Sink<int>(), new()
            {
                Store = store,
                Delivery = DeliveryGuarantee.Replay(0),
                OnBatchCompleted = (end, _) =>
                {
                    Assert.Equal(6, ledger.Lines.Count);         // the batch is not complete before the halves have ended
                    ended.TrySetResult(end);
                    return default;
                },
            });
        await consecutor.StartAsync(Cancellation);
        ConsecutorBatch<int[]> batch = await consecutor.OpenBatchAsync("today", Cancellation);
        await batch.SendAllAsync([[0, 1, 2, 3], [4, 5, 6, 7]], Cancellation);
        await batch.CloseAsync(Cancellation);
        BatchCompleted end = await ended.Task.WaitAsync(Cancellation);
        Assert.Equal((2 + (2 * 4), 2), ((int)end.Items, (int)end.Failed));
    }

    [Fact]
    public async Task AListWhoseHalvesExceedACommitIsDeadLetteredWithTheReason()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<string[]>("work",
            source => source.ForEach(_ => throw new FormatException("no")) | Stage.Named("write").Bisect,
                new() { Store = store, Delivery = DeliveryGuarantee.Replay(0) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync([new('x', 400_000), new('y', 400_000)], Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        DeadLetter letter = Assert.Single(await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal("FormatException: no (The list was not divided: its halves are more than one commit holds. Make smaller lists.)",
            letter.Error);
    }

    [Fact]
    public async Task StateInFrontOfABisectedStageCountsEachItemOnce()
    {
        await using var store = new MemoryStreamStore();
        bad.Add(2);
        await using var consecutor = new Consecutor<int>("work",
            source => source | StageNode.Of(() => new Count()) | Stage.Named("count") | (n => Enumerable.Range(0, n).ToArray())
            | Write | Stage.Named("write").Bisect | Each | ledger.Sink<int>(),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(1, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 5, 2], Cancellation);
        Assert.Equal(1, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
        Assert.Equal([0, 0, 0, 1, 1, 3, 4], Lines());
        await foreach (var (_, count) in consecutor.ListStateAsync<int>("count", Cancellation)) Assert.Equal(3, count);
        bad.Clear();
        await consecutor.RedriveAsync(_ => true, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal([0, 0, 0, 1, 1, 2, 3, 4], Lines());
        await foreach (var (_, count) in consecutor.ListStateAsync<int>("count", Cancellation)) Assert.Equal(3, count);
    }

    [Fact]
    public async Task HalvesHaveTheKeyOfTheirItem()
    {
        await using var store = new MemoryStreamStore();
        bad.Add(2);
        await using var consecutor = new Consecutor<int>("work",
            source => source | (n => Enumerable.Range(0, n).ToArray()) | Write | Stage.Named("write").Bisect | Each
            | StageNode.Of(() => new Count()) | Stage.Named("count") | ledger.Sink<int>(),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(0) })
        { Key = static n => $"of {n}" };
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([2, 5], Cancellation);
        Assert.Equal(1, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
        Assert.Equal([("of 2", 2), ("of 5", 4)], await CountsAsync());
        bad.Clear();
        await consecutor.RedriveAsync(_ => true, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal([("of 2", 2), ("of 5", 5)], await CountsAsync());

        async Task<List<(string, int)>> CountsAsync()
            => await consecutor.ListStateAsync<int>("count", Cancellation).Select(static cell => (cell.Key, cell.Value))
            .OrderBy(static cell => cell.Key).ToListAsync(Cancellation);
    }

    private Consecutor<int> Chunks(IStreamStore store, int size, DeliveryGuarantee delivery, TimeProvider? time = null)
        => new("work", source => source.Chunk(size) | Stage.Named("chunks") | Write | Stage.Named("write").Bisect | Each
        | ledger.Sink<int>(), new() { Store = store, Delivery = delivery, Run = new() { Time = time ?? TimeProvider.System } });

    private int[] Write(int[] list)
    {
        started.Enqueue(string.Join(',', list));
        foreach (int n in list)
            if (bad.Contains(n)) throw new FormatException($"{n} is bad");
        return list;
    }

    private static IEnumerable<int> Each(int[] list)
    {
        foreach (int n in list) yield return n;
    }

    private int[] Lines() => [.. ledger.Lines.Select(int.Parse).Order()];

    private sealed class Count : StatefulStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State++;
            return output.PushAsync(item);
        }
    }
}
