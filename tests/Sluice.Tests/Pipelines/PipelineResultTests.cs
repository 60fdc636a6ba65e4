using System.Threading.Channels;
using Sluice.Testing;
using Sluice.Tests.Engine;

namespace Sluice.Tests.Pipelines;

public class PipelineResultTests
{
    private static Source<int> FailsAt(int item) => Source.From(Enumerable.Range(0, 100))
        .Select(n => n == item ? throw new FormatException("bad") : n);

    [Fact]
    public async Task AChannelIsCompletedWithTheRunAndGetsItsFailure()
    {
        var good = Channel.CreateBounded<int>(1);
        PipelineRun run = (Source.From([1, 2, 3]) | Sink.ToChannel(good.Writer)).Start();
        Assert.Equal([1, 2, 3], await good.Reader.ReadAllAsync().ToListAsync());
        await run.Completion;

        var bad = Channel.CreateUnbounded<int>();
        await Assert.ThrowsAsync<PipelineException>(() => FailsAt(2).ToChannel(bad.Writer).RunAsync());
        Assert.Equal(2, bad.Reader.Count);
        await Assert.ThrowsAsync<PipelineException>(async () => await bad.Reader.ReadAllAsync().ToListAsync());

        var cancelled = Channel.CreateBounded<int>(1);
        await using (Source.From(Enumerable.Range(0, 100)).ToChannel(cancelled.Writer).Start()) { }
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await cancelled.Reader.ReadAllAsync().ToListAsync());
    }

    [Fact]
    public async Task AStopOfAConsecutorCompletesItsChannelWithoutAFailure()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        var channel = Channel.CreateUnbounded<int>();
        await using var consecutor = new Consecutor<int>("numbers", source => source | Sink.ToChannel(channel.Writer));
        await consecutor.StartAsync(cancellation);
        await consecutor.SendAsync(1, cancellation);
        await consecutor.StopAsync();
        Assert.Equal([1], await channel.Reader.ReadAllAsync(cancellation).ToListAsync(cancellation));
    }

    [Fact]
    public async Task ACancelledRunNamesTheTokenOfItsCaller()
    {
        using var source = new CancellationTokenSource();
        var run = (Source.Manual<int>() | (_ => { })).RunAsync(cancellation: source.Token);
        await source.CancelAsync();
        Assert.Equal(source.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run)).CancellationToken);
        await using PipelineRun other = (Source.Manual<int>() | (_ => { })).Start(cancellation: CancellationToken.None);
        await other.CancelAsync();
        Assert.True((await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other.Completion)).CancellationToken
            .IsCancellationRequested);
    }

    [Fact]
    public void ASourceThatIsNullIsNamed() => Assert.Equal("Source 2 of the merge is null. (Parameter 'sources')",
        Assert.Throws<ArgumentException>(() => Source.Merge(Source.From([1]), null!)).Message);

    [Fact]
    public async Task AClosedChannelFailsTheRunAndNamesTheItem()
    {
        var channel = Channel.CreateBounded<int>(10);
        channel.Writer.Complete();
        var failure = await Assert.ThrowsAsync<PipelineException>(() => Source.From([7]).ToChannel(channel.Writer).RunAsync());
        Assert.Equal(("channel", 7), (failure.Node, failure.Item));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheFailureOfASequenceGoesToItsReaderAndToNoWarning(bool isFirst)
    {
        using var listener = new WarningListener();
        string text = $"bad {Guid.NewGuid()}";
        Source<int> failing = Source.From([1]).Select(int (_) => throw new FormatException(text));
        await Assert.ThrowsAsync<PipelineException>(async () =>
        {
            if (isFirst) await failing.FirstAsync();
            else await failing.ToAsyncEnumerable().ToListAsync();
        });
        Assert.DoesNotContain(listener.Texts, warning => warning.Contains(text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task AnEnumerationIsABoundedRunOfItsOwn(ExecutionMode mode)
    {
        var source = new SourceProbe<int>();
        source.Push([.. Enumerable.Range(0, 100)]);
        source.Complete();
        await using IAsyncEnumerator<int> items = source.Source.ToAsyncEnumerable(new RunOptions { Mode = mode, MaxBufferedItems = 4 })
            .GetAsyncEnumerator();
        for (int i = 0; i < 100; i++)
        {
            Assert.True(await items.MoveNextAsync());
            Assert.Equal(i, items.Current);
            Assert.InRange(source.Taken, i, i + 1 + 4 + 2);              // read, in the channel, and in flight
        }
        Assert.False(await items.MoveNextAsync());
        IAsyncEnumerable<int> again = Source.From([1, 2]).ToAsyncEnumerable();
        Assert.Equal([1, 2], await again.ToListAsync());
        Assert.Equal([1, 2], await again.ToListAsync());
    }

    [Fact]
    public async Task LeavingAnEnumerationCancelsItsRunAndFailuresSurface()
    {
        var source = new SourceProbe<int>();
        source.Push(1, 2, 3);
        await foreach (int item in source.Source.ToAsyncEnumerable())
        {
            Assert.Equal(1, item);
            break;
        }
        await source.Stopped;
        List<int> seen = [];
        await Assert.ThrowsAsync<PipelineException>(async () =>
        {
            await foreach (int item in FailsAt(2).ToAsyncEnumerable()) seen.Add(item);
        });
        Assert.Equal([0, 1], seen);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await Source.Range(0, long.MaxValue).ToAsyncEnumerable().WithCancellation(cancelled.Token).GetAsyncEnumerator()
                .MoveNextAsync());
    }

    [Fact]
    public async Task ToArrayAsyncAndFirstAsyncReturnTheItems()
    {
        int[] collected = await Source.From([1, 2]).ToArrayAsync();
        Assert.Equal([1, 2], collected);
        Assert.Equal(0, await Source.Range(0, long.MaxValue).FirstAsync());
        Assert.Contains("no first item", (await Assert.ThrowsAsync<InvalidOperationException>(() => Source.From(Array.Empty<int>())
            .FirstAsync())).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<PipelineException>(() => FailsAt(0).FirstAsync());
    }
}
