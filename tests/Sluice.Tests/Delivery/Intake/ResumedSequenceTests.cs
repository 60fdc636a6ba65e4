using System.Collections;
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
        Assert.Matches(
            "^The producer 'web' skips the first 5 items of its sequence, because earlier runs have sent 5 items under this name to "
                + "work\\. Item 5 is another one than the item that was accepted: its payload has the checksum [0-9a-f]{8}, not "
                + "[0-9a-f]{8}\\. So the sequence or the type of its items has changed\\. Skipped items that are new are not in "
                + "the store\\. If there are "
                + "any, send them under another name, or by SendAsync\\.$", Assert.Single(warnings));
    }

    [Fact]
    public async Task AnItemThatCannotBeWrittenAnyMoreIsAnotherOne()
    {
        await using var store = new MemoryStreamStore();
        await SendAsync(store, 1, 2.5);
        await SendAsync(store, 1, double.NaN, 3);
        Assert.Contains("Item 2 is another one than the item that was accepted: its payload cannot be written. ", Assert.Single(warnings),
            StringComparison.Ordinal);

        async Task SendAsync(MemoryStreamStore to, params double[] items)
        {
            await using var consecutor = new Consecutor<double>("work", source => source.ForEach(_ => { }),
                new() { Store = to, OnWarning = warnings.Enqueue });
            await (Source.Resumable("web", items) | consecutor).RunAsync(cancellation: Cancellation);
        }
    }

    // The item at the position has fewer parts than were accepted: none of them is compared with the last one.
    [Theory]
    [InlineData(1, 3)]
    [InlineData(0, 3)]
    [InlineData(1, 2)]
    [InlineData(0, 2)]
    public async Task AnItemWithFewerPartsThanBeforeIsToldInAWarning(int parts, int length)
    {
        await using var store = new MemoryStreamStore();
        await RunPartsAsync(store, 2, _ => 3);
        Assert.Equal(6, seen.Count);
        Assert.Empty(warnings);
        await RunPartsAsync(store, length, item => item == 2 ? parts : 1);
        Assert.Equal(6 + (length - 2), seen.Count);
        Assert.Equal(
            "The producer 'web' skips the first 2 items of its sequence, because earlier runs have sent 2 items under this name to work. "
                + $"3 parts of item 2 were accepted, and it has {parts} now. So the sequence, or a stage between the producer and the "
                + "consecutor, has changed. Skipped items that are new are not in the store. If there are any, send them under another "
                + "name, or by SendAsync.", Assert.Single(warnings));
    }

    [Fact]
    public async Task ARunThatIsStoppedBeforeItHasSkippedAllPartsHasNoWarning()
    {
        await using var store = new MemoryStreamStore();
        await RunPartsAsync(store, 1, _ => 3);
        await using Consecutor<int> consecutor = New(store);
        await consecutor.StartAsync(Cancellation);
        var items = new HeldSequence();
        PipelineRun run = (Source.Resumable("web", items) | (item => Enumerable.Repeat(item, 3)) | consecutor).Start();
        await items.Begun.Task.WaitAsync(Cancellation);
        Task<bool> stopping = run.StopAsync(cancellation: Cancellation);
        items.Release.SetResult();
        Assert.True(await stopping);
        Assert.Empty(warnings);
        Assert.Equal(3, seen.Count);
    }

    /// <summary>A sequence whose beginning waits until the test releases it.</summary>
    private sealed class HeldSequence : IEnumerable<int>
    {
        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Release { get; } = new();

        public IEnumerator<int> GetEnumerator()
        {
            Begun.SetResult();
            Release.Task.Wait(Cancellation);
            return Enumerable.Range(1, 2).GetEnumerator();
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
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

    /// <summary>LINQ counts in <c>int</c>, positions in <c>long</c>.</summary>
    [Fact]
    public async Task APositionMayBeBehindMoreItemsThanAnIntCounts()
    {
        const int afterKind = 41;
        await using var store = new MemoryStreamStore();
        await RunAsync(store, [1]);
        ProducerState web = await store.OpenProducerAsync("work", "web", Cancellation);
        byte[] position = web.Position.ToArray();
        BitConverter.TryWriteBytes(position.AsSpan(afterKind), 3_000_000_000L);
        using var nothing = new EntryBatch();
        await store.AppendAsync(new("work", "web", web.Epoch, web.Last + 1, nothing) { Position = position }, Cancellation);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => RunAsync(store, [1, 2]));
        Assert.StartsWith("The sequence of the producer 'web' has 2 items, and earlier runs have sent 3,000,000,001 items under this ",
            Assert.IsType<InvalidDataException>(failure.InnerException).Message, StringComparison.Ordinal);
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

    private Consecutor<int> New(MemoryStreamStore store) => new("work", source => source.ForEach(seen.Enqueue),
        new() { Store = store, OnWarning = warnings.Enqueue });

    private async Task RunPartsAsync(MemoryStreamStore store, int length, Func<int, int> parts)
    {
        await using Consecutor<int> consecutor = New(store);
        await consecutor.StartAsync(Cancellation);
        await (Source.Resumable("web", Enumerable.Range(1, length)) | (item => Enumerable.Repeat(item, parts(item))) | consecutor)
            .RunAsync(cancellation: Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
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
