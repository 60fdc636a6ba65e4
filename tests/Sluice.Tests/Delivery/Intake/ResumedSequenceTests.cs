using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A sequence that resumes by counting, and is not the sequence that earlier runs have sent.</summary>
public class ResumedSequenceTests
{
    private readonly ConcurrentQueue<string> warnings = new();
    private readonly ConcurrentQueue<int> seen = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ASequenceThatHasGrownSendsTheNewItemsWithoutAWarning()
    {
        await using var store = new MemoryStreamStore();
        Assert.Null((await RunAsync(store, [1, 2, 3])).SentBefore);
        RunSnapshot second = await RunAsync(store, [1, 2, 3, 4, 5]);
        Assert.Equal(3, second.SentBefore);
        Assert.Contains("left out 3: earlier runs have sent so many items of the resumable source", second.ToString(),
            StringComparison.Ordinal);
        RunSnapshot third = await RunAsync(store, [1, 2, 3, 4, 5]);
        Assert.Equal(5, third.SentBefore);
        Assert.Equal([1, 2, 3, 4, 5], seen.Order());
        Assert.Empty(warnings);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(7)]
    public async Task AnotherSequenceIsToldInAWarning(int length)
    {
        await using var store = new MemoryStreamStore();
        await RunAsync(store, [1, 2, 3, 4, 5]);
        RunSnapshot second = await RunAsync(store, [.. Enumerable.Range(101, length)]);
        Assert.Equal(5, second.SentBefore);
        Assert.Equal([1, 2, 3, 4, 5, .. Enumerable.Range(101, length).Skip(5)], seen.Order());
        Assert.Equal(
            "The producer 'web' skips the first 5 items of its sequence, because earlier runs have sent 5 items under this name to work. "
                + "But the last of these items was another one, so the sequence or the type of its items has changed. If the skipped items "
                + "are new, send them under another name, or by SendAsync.", Assert.Single(warnings));
    }

    [Fact]
    public async Task AShorterSequenceFails()
    {
        await using var store = new MemoryStreamStore();
        await RunAsync(store, [1, 2, 3, 4, 5]);
        foreach (int[] items in (int[][])[[101, 102], []])
        {
            var failure = await Assert.ThrowsAsync<PipelineException>(() => RunAsync(store, items));
            Assert.Equal(
                $"The sequence of the producer 'web' has {items.Length} items, and earlier runs have sent 5 items under this name. The "
                    + "producer skips as many items as it has sent: the sequence must be the same at every start, and may only grow at its "
                    + "end. For other items, give the producer another name, or use SendAsync.",
                Assert.IsType<InvalidDataException>(failure.InnerException).Message);
        }
        Assert.Equal([1, 2, 3, 4, 5], seen.Order());
    }

    [Fact]
    public async Task PositionsWithoutAChecksumAreReadAsBefore()
    {
        await using var store = new MemoryStreamStore();
        await RunAsync(store, [1, 2, 3], compressed: true);
        RunSnapshot second = await RunAsync(store, [101, 102, 103, 104]);
        Assert.Equal(3, second.SentBefore);
        Assert.Equal([1, 2, 3, 104], seen.Order());
        Assert.Empty(warnings);
    }

    [Fact]
    public async Task TheNextRunOfAConsecutorWithoutAStoreHasNoWarning()
    {
        await using var consecutor = new Consecutor<int>("work", source => source.ForEach(seen.Enqueue),
            new() { OnWarning = warnings.Enqueue });
        await consecutor.StartAsync(Cancellation);
        for (int run = 0; run < 2; run++)
            await (Source.Resumable("web", Enumerable.Range(1, 3 + run)) | consecutor).RunAsync(cancellation: Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Empty(warnings);
    }

    private async Task<RunSnapshot> RunAsync(MemoryStreamStore store, int[] items, bool compressed = false)
    {
        PayloadSerializers serializers = PayloadSerializers.Json.Compressed(over: int.MaxValue, readsUncompressed: true);
        await using var consecutor = new Consecutor<int>("work", source => source.ForEach(seen.Enqueue), new()
        {
            Store = store,
            OnWarning = warnings.Enqueue,
            Serializers = compressed ? serializers : PayloadSerializers.Json
        });
        await consecutor.StartAsync(Cancellation);
        RunSnapshot end = await (Source.Resumable("web", items) | consecutor).RunAsync(cancellation: Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        return end;
    }
}
