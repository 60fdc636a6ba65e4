using System.Runtime.CompilerServices;
using Sluice.Testing;
using Sluice.Tests.Graphs;

namespace Sluice.Tests.Testing;

public class ProbeTests
{
    private readonly SourceProbe<int> source = new();
    private readonly SinkProbe<int> sink = new();

    [Fact]
    public async Task ASourceProbeSeesDemandAndBackpressure()
    {
        var scheduler = new SeededScheduler(1);
        sink.Block();
        await using PipelineRun run = (source.Source | (n => n) | Stage.Buffer(3)
            | sink.Sink).Start(new RunOptions { Scheduler = scheduler });
        Assert.True(source.IsWanted);
        source.Push([.. Enumerable.Range(0, 10)]);
        scheduler.RunUntilIdle();
        Assert.False(source.IsWanted);
        Assert.InRange(source.Taken, 4, 5);                      // one at the sink, three behind it, one on its way
        Assert.Equal(10, source.Taken + source.Queued);
        Assert.True(sink.IsHolding);
        Assert.Empty(sink.Items);
        sink.Release(2);
        scheduler.RunUntilIdle();
        Assert.Equal([0, 1], sink.Items);
        sink.Release();
        scheduler.RunUntilIdle();
        Assert.True(source.IsWanted);
        source.Complete();
        await scheduler.RunToEndAsync(run, maxWait: TimeSpan.Zero);
        Assert.Equal(Enumerable.Range(0, 10), sink.Items);
        Assert.True(await sink.Ended);
    }

    [Fact]
    public void NullInPlaceOfItemsIsRefused()
    {
        var texts = new SourceProbe<string?>();
        Assert.Contains("Push([null])", Assert.Throws<ArgumentNullException>(() => texts.Push(null)).Message, StringComparison.Ordinal);
        texts.Push(Array.Empty<string>());
        texts.Push([null]);
        Assert.Equal(1, texts.Queued);
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task ProbesWorkOnRealThreads(ExecutionMode mode)
    {
        await using PipelineRun run = (source.Source | (n => n) | Stage.Buffer(3) | sink.Sink).Start(mode);
        await source.WaitForDemandAsync();
        source.Push(1, 2, 3);
        Assert.Equal([1, 2, 3], await sink.WaitForAsync(3));
        await source.WaitForDemandAsync();
        Task<IReadOnlyList<int>> tooMany = sink.WaitForAsync(5);
        source.Push(4);
        source.Fail(new FormatException("dry"));
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
        Assert.Equal("'source-1' failed: dry", failure.Message);
        Assert.Contains("5 were waited for", (await Assert.ThrowsAsync<InvalidOperationException>(() => tooMany)).Message,
            StringComparison.Ordinal);
        Assert.False(await sink.Ended);
    }

    [Fact]
    public async Task ASourceProbeIsStoppedWhenTheRunIsCancelled()
    {
        sink.Block();
        await using PipelineRun run = (source.Source | sink.Sink).Start();
        await source.WaitForDemandAsync();
        source.Push(1);
        _ = run.CancelAsync();
        await source.Stopped;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
        Assert.False(await sink.Ended);
    }

    /// <summary>A run is cancelled while the probe holds its item: the next run is blocked anew.</summary>
    [Fact]
    public async Task ACancelledRunLeavesTheProbeBlockedForTheNextOne()
    {
        var scheduler = new SeededScheduler(1);
        sink.Block();
        Pipeline pipeline = Source.From([1]) | sink.Sink;
        PipelineRun first = pipeline.Start(new RunOptions { Scheduler = scheduler });
        PipelineRun beside = pipeline.Start(new RunOptions { Scheduler = scheduler });
        scheduler.RunUntilIdle();
        _ = first.CancelAsync();
        scheduler.RunUntilIdle();
        Assert.True(sink.IsHolding);                             // the item of the other run
        Assert.False(beside.Completion.IsCompleted);
        _ = beside.CancelAsync();
        scheduler.RunUntilIdle();
        Assert.False(sink.IsHolding);
        Task held = sink.HeldAsync();
        Assert.False(held.IsCompleted);
        await using PipelineRun last = pipeline.Start(new RunOptions { Scheduler = scheduler });
        scheduler.RunUntilIdle();
        await held;
        sink.Release();
        await scheduler.RunToEndAsync(last, maxWait: TimeSpan.Zero);
        Assert.Equal([1], sink.Items);
    }

    [Theory]
    [InlineData("failure")]
    [InlineData("stop")]
    [InlineData("completion")]
    public async Task AWaitForDemandFailsWhenThePipelineAsksForNothingMore(string why)
    {
        var patience = TimeSpan.FromMinutes(1);
        sink.Block();
        await using PipelineRun run = (source.Source | (n => why == "failure" ? throw new FormatException("no good") : n)
            | sink.Sink).Start();
        await source.WaitForDemandAsync();
        source.Push(1);
        if (why != "failure") await sink.HeldAsync();
        Task demand = source.WaitForDemandAsync();
        if (why == "stop") _ = run.CancelAsync();
        if (why == "completion") source.Complete();
        await Assert.ThrowsAsync<InvalidOperationException>(() => demand.WaitAsync(patience));
        await Assert.ThrowsAsync<InvalidOperationException>(() => source.WaitForDemandAsync().WaitAsync(patience));
    }

    [Fact]
    public async Task AWaitForABlockedItemFailsWhenTheRunHasEndedWithoutOne()
    {
        sink.Block();
        await using PipelineRun run = (source.Source | sink.Sink).Start();
        await source.WaitForDemandAsync();
        Task held = sink.HeldAsync();
        source.Complete();
        await Assert.ThrowsAsync<InvalidOperationException>(() => held.WaitAsync(TimeSpan.FromMinutes(1)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sink.HeldAsync(new(canceled: true)));
    }

    /// <summary>The test may have stopped waiting: a report of its wait would come in the midst of another test.</summary>
    [Fact]
    public async Task AWaitForABlockedItemThatIsDroppedIsNotReported()
    {
        List<string> reported = [];
        EventHandler<UnobservedTaskExceptionEventArgs> report = (_, args) =>
        {
            lock (reported) reported.AddRange(args.Exception.InnerExceptions.Select(static one => one.Message));
        };
        TaskScheduler.UnobservedTaskException += report;
        try
        {
            using var control = new UnobservedFailures();
            await DropAsync(control.Mark);
            Assert.Equal(["drop"], await control.CollectAsync());
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= report;
        }
        lock (reported) Assert.DoesNotContain(reported, static one => one.Contains("without a blocked item", StringComparison.Ordinal));

        [MethodImpl(MethodImplOptions.NoInlining)]
        async Task DropAsync(string mark)
        {
            using var token = new CancellationTokenSource();
            sink.Block();
            await using PipelineRun run = (source.Source | sink.Sink).Start();
            await source.WaitForDemandAsync();
            _ = sink.HeldAsync(token.Token);
            source.Complete();
            await run.Completion;
            _ = Task.FromException(new FormatException("drop" + mark));
        }
    }

    [Fact]
    public async Task ASecondRunOfASourceProbeShowsItsDemand()
    {
        foreach (int item in new[] { 1, 2 })
        {
            var scheduler = new SeededScheduler(item);
            await using PipelineRun run = (source.Source | sink.Sink).Start(new RunOptions { Scheduler = scheduler });
            await source.WaitForDemandAsync();
            source.Push(item);
            scheduler.RunUntilIdle();
            await source.WaitForDemandAsync();
        }
        Assert.Equal([1, 2], sink.Items);
    }
}
