using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

public class DrainTests
{
    private readonly TestClock clock = new();
    private readonly SeededScheduler scheduler = new(11);
    private readonly SourceProbe<int> source = new();
    private readonly SinkProbe<int> sink = new();

    private RunOptions Options => new() { Scheduler = scheduler, Time = clock };

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task ADrainStopsTheSourceAndProcessesTheItemsInFlight(ExecutionMode mode)
    {
        for (int round = 0; round < 20; round++)
        {
            long produced = 0, seen = 0;
            IEnumerable<long> Endless()
            {
                while (true) yield return produced++;
            }
            var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            PipelineRun? run = null;
            Pipeline pipeline = Source.From(Endless()) | (n => n) | Stage.Buffer(8) | (n => n) | Stage.Parallel(2) | (async (long _) =>
            {
                await Task.Yield();
                if (++seen == 10) begun.SetResult();
            });
            var starting = Task.Run(() => pipeline.Start(new RunOptions
            {
                Mode = mode,
                TrackItems = true,
                Time = clock,                            // it stands still: the source may take long to return
                OnStarted = started => run = started
            }));
            await begun.Task;
            Assert.True(await run!.StopAsync());
            await starting;
            Assert.Equal(produced, seen);
            Assert.Equal(new ItemCounts(produced, produced, 0, 0, 0), run.Snapshot().Roots);
            Assert.True(await run.StopAsync());                         // a second stop does nothing
        }
    }

    [Fact]
    public async Task ADrainNamesASourceThatIgnoresItsTokenUntilItEnds()
    {
        var late = new TaskCompletionSource();
        async IAsyncEnumerable<int> Deaf()
        {
            yield return 1;
            await late.Task;
            yield return 2;
        }
        PipelineRun run = (Source.From(Deaf()) | Stage.Named("deaf") | sink.Sink).Start(Options);
        Task<bool> drained = run.StopAsync();
        scheduler.RunUntilIdle();
        Assert.Equal([1], sink.Items);
        clock.Advance(TimeSpan.FromSeconds(30));                         // the stop timeout
        scheduler.RunUntilIdle();
        Assert.True(await drained);
        Assert.Equal(["deaf"], run.StillRunning);
        Assert.Contains("did not stop: deaf", run.Snapshot().ToString(), StringComparison.Ordinal);
        late.SetResult();
        scheduler.RunUntilIdle();
        Assert.Empty(run.StillRunning);
        Assert.Equal([1], sink.Items);
    }

    [Fact]
    public async Task ADrainEndsAtItsDeadlineIfASourceIgnoresItsToken()
    {
        var never = new TaskCompletionSource();
        async IAsyncEnumerable<int> Deaf()
        {
            yield return 1;
            await never.Task;
        }
        PipelineRun run = (Source.From(Deaf()) | Stage.Named("deaf") | sink.Sink).Start(Options);
        Task<bool> drained = run.StopAsync(TimeSpan.FromSeconds(5));
        scheduler.RunUntilIdle();
        clock.Advance(TimeSpan.FromSeconds(4.9));
        scheduler.RunUntilIdle();
        Assert.False(run.Completion.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(0.1));
        scheduler.RunUntilIdle();
        Assert.True(run.Completion.IsCompleted);
        Assert.True(await drained);                                      // all its items were processed
        Assert.Equal([1], sink.Items);
        Assert.Equal(["deaf"], run.StillRunning);
    }

    [Fact]
    public async Task CancellingTheTokenOfAStopCancelsTheRun()
    {
        using var shutdown = new CancellationTokenSource();
        sink.Block();
        PipelineRun run = (source.Source | Stage.Buffer(2) | sink.Sink).Start(Options);
        source.Push(1);
        scheduler.RunUntilIdle();
        Task<bool> stopped = run.StopAsync(cancellation: shutdown.Token);
        scheduler.RunUntilIdle();
        Assert.False(stopped.IsCompleted);
        await shutdown.CancelAsync();
        clock.Advance(TimeSpan.FromSeconds(1));                          // user code gets this long to notice the cancellation
        scheduler.RunUntilIdle();
        Assert.False(await stopped);
        Assert.True(run.Completion.IsCanceled);
    }

    [Fact]
    public async Task ACancelledRunReportsTheFirstReason()
    {
        PipelineRun run = (source.Source | sink.Sink).Start(Options);
        scheduler.RunUntilIdle();
        Task ended = run.CancelAsync("the tenant is gone");
        Assert.Equal("the tenant is gone", run.Snapshot().CancelReason);
        _ = run.CancelAsync("too late");
        scheduler.RunUntilIdle();
        await ended;
        Assert.Equal((RunStatus.Cancelled, "the tenant is gone"), (run.Snapshot().Status, run.Snapshot().CancelReason));
        Assert.StartsWith("Cancelled after 0.000 s: the tenant is gone", run.Snapshot().ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CancellingAFailedRunKeepsItsFailureAndDoesNotThrow()
    {
        PipelineRun run = Source.Range(0, 10).ForEach(static n => throw new InvalidOperationException($"no {n}")).Start(Options);
        scheduler.RunUntilIdle();
        await run.CancelAsync("not needed");
        Assert.Null(run.Snapshot().CancelReason);
        await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
    }

    [Fact]
    public async Task ADrainReturnsFalseIfItemsAreInFlightAtItsDeadline()
    {
        var never = new TaskCompletionSource();
        async IAsyncEnumerable<int> Deaf()
        {
            yield return 1;
            await never.Task;
        }
        sink.Block();
        PipelineRun run = (Source.From(Deaf()) | Stage.Named("deaf").Buffer(2) | sink.Sink).Start(Options);
        Task<bool> drained = run.StopAsync(TimeSpan.FromSeconds(5));
        scheduler.RunUntilIdle();
        clock.Advance(TimeSpan.FromSeconds(5));
        scheduler.RunUntilIdle();
        Assert.True(run.Completion.IsCompleted);
        Assert.False(await drained);
        Assert.Equal(["deaf"], run.StillRunning);
    }

    [Fact]
    public async Task AStageThatIgnoresCancellationIsAbandonedASecondAfterTheDeadline()
    {
        var never = new TaskCompletionSource();
        PipelineRun run = (source.Source | (async (int _) => await never.Task) | Stage.Named("deaf")).Start(Options);
        source.Push(1);
        scheduler.RunUntilIdle();
        Task<bool> drained = run.StopAsync(TimeSpan.FromSeconds(5));
        scheduler.RunUntilIdle();
        clock.Advance(TimeSpan.FromSeconds(5));
        scheduler.RunUntilIdle();
        Assert.False(run.Completion.IsCompleted);                        // the source was stopped just now
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.False(await drained);
        Assert.Equal(["deaf"], run.StillRunning);
    }

    [Theory]
    [InlineData("sequence")]
    [InlineData("producer")]
    [InlineData("ticks")]
    public async Task ADrainLetsItemsThroughAlthoughTheDisposalOfTheirSourceDoesNotReturn(string kind)
    {
        var late = new TaskCompletionSource();
        var rows = new ClosesLate<int>(7, late.Task);
        Source<int> source = kind switch
        {
            "sequence" => Source.From(rows),
            "producer" => Source.Resumable("rows", (_, _) => new ClosesLate<WithPosition<int>>(new(7, default), late.Task)),
            _ => Source.Every("rows", TimeSpan.FromSeconds(1), (_, _) => rows),
        };
        var chunks = new SinkProbe<int[]>();
        PipelineRun run = ((source | Stage.Named("rows")).Chunk(100) | chunks.Sink).Start(Options);
        scheduler.RunUntilIdle();
        clock.Advance(TimeSpan.FromSeconds(1));
        scheduler.RunUntilIdle();
        Task<bool> drained = run.StopAsync();
        scheduler.RunUntilIdle();
        Assert.Equal([[7]], chunks.Items);
        clock.Advance(TimeSpan.FromSeconds(30));                         // the stop timeout
        scheduler.RunUntilIdle();
        Assert.True(await drained);
        Assert.Equal(["rows"], run.StillRunning);
        late.SetResult();
        scheduler.RunUntilIdle();
        Assert.Empty(run.StillRunning);
    }

    [Fact]
    public async Task AFailureOfADisposalThatReturnsLateFailsTheDrain()
    {
        var late = new TaskCompletionSource();
        PipelineRun run = (Source.From(new ClosesLate<int>(7, late.Task)) | Stage.Named("rows") | sink.Sink).Start(Options);
        scheduler.RunUntilIdle();
        Task<bool> drained = run.StopAsync();
        scheduler.RunUntilIdle();
        late.SetException(new IOException("No server."));
        scheduler.RunUntilIdle();
        Assert.Equal("'rows' failed: No server.", (await Assert.ThrowsAsync<PipelineException>(() => drained)).Message);
        Assert.Equal([7], sink.Items);
    }

    /// <summary>A sequence of one item that ends with its token, and whose disposal takes long.</summary>
    private sealed class ClosesLate<T>(T item, Task closed) : IAsyncEnumerable<T>, IAsyncEnumerator<T>
    {
        private CancellationToken stop;
        private bool hasMoved;

        public T Current => item;

        public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellation)
        {
            stop = cancellation;
            return this;
        }

        public async ValueTask<bool> MoveNextAsync()
        {
            if (hasMoved) await Task.Delay(Timeout.Infinite, stop);
            return hasMoved = true;
        }

        public ValueTask DisposeAsync() => new(closed);
    }
}
