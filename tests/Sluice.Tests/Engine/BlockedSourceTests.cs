using System.Runtime.CompilerServices;
using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>Source code that blocks its thread delays neither a drain nor the items that the source has emitted.</summary>
public sealed class BlockedSourceTests : IDisposable
{
    private readonly TestClock clock = new();
    private readonly ManualResetEventSlim goOn = new();
    private readonly TaskCompletionSource blocked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<int> seen = [];

    public void Dispose() => goOn.Dispose();

    public enum Kind
    {
        Sequence, Asynchronous, Counted, Resuming, Acknowledged, Repeated, Tick,
    }

    public static MatrixTheoryData<Kind, ExecutionMode> Kinds { get; }
        = new(Enum.GetValues<Kind>(), [ExecutionMode.MultiThread, ExecutionMode.SingleThread]);

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ADrainOfABlockedSourceEndsAtTheStopTimeout(Kind kind, ExecutionMode mode)
    {
        (PipelineRun run, Task start) = await StartAsync(kind, mode);
        Task<bool> drained = run.StopAsync();
        clock.Advance(TimeSpan.FromSeconds(1));      // the source gets this long to return
        await ended.Task;                            // the sink has processed the items of the source
        Assert.Equal([1], seen);
        Assert.False(drained.IsCompleted);
        await AdvanceUntilAsync(drained);
        Assert.True(await drained);
        Assert.Equal(["blocked"], run.StillRunning);
        await ReleaseAsync(run, start);
    }

    [Theory]
    [InlineData(ExecutionMode.MultiThread)]
    [InlineData(ExecutionMode.SingleThread)]
    public async Task ADrainOfABlockedSourceSucceedsWithADeadline(ExecutionMode mode)
    {
        (PipelineRun run, Task start) = await StartAsync(Kind.Sequence, mode);
        Task<bool> drained = run.StopAsync(TimeSpan.FromMilliseconds(500));
        clock.Advance(TimeSpan.FromMilliseconds(250));
        await ended.Task;
        // Until only the source's code is left: a deadline before that cancels the run.
        await clock.WaitForTimersAsync(2, TestContext.Current.CancellationToken);
        clock.Advance(TimeSpan.FromMilliseconds(250));
        await AdvanceUntilAsync(drained);
        Assert.True(await drained);
        Assert.Equal(RunStatus.Completed, run.Snapshot().Status);
        await ReleaseAsync(run, start);
    }

    [Fact]
    public async Task AnItemEmittedRightAfterTheStopIsStillProcessed()
    {
        (PipelineRun run, Task start) = await StartAsync(Kind.Sequence, ExecutionMode.MultiThread);
        Task<bool> drained = run.StopAsync();
        goOn.Set();
        Assert.True(await drained);
        await start;
        Assert.Equal([1, 2], seen);
        Assert.Empty(run.StillRunning);
    }

    [Fact]
    public async Task ATakeEndsTheRunAlthoughTheSourceBlocks()
    {
        PipelineRun run = ((Source.From(Blocked()) | Stage.Named("blocked")).Buffer(4)
            .Where(_ => blocked.Task.IsCompleted || blocked.Task.Wait(Timeout.Infinite)).Take(1) | StageNode.Of(() => new Seen(this)))
            .Start(new RunOptions { Time = clock });
        await blocked.Task;
        while (!ended.Task.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await AdvanceUntilAsync(run.Completion);
        await run.Completion;
        Assert.Equal([1], seen);
        await ReleaseAsync(run, Task.CompletedTask);
    }

    [Fact]
    public async Task ADrainDoesNotWaitForABlockingRead()
    {
        using var reader = new BlockingReader(blocked, goOn);
        PipelineRun run = (Source.Lines(reader) | Stage.Named("lines")
            | (line => int.Parse(line, System.Globalization.CultureInfo.InvariantCulture)) | StageNode.Of(() => new Seen(this)))
            .Start(new RunOptions { Time = clock });
        await blocked.Task;
        Task<bool> drained = run.StopAsync();
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await drained);
        Assert.Equal([1], seen);
        Assert.Equal(["lines"], run.StillRunning);
        goOn.Set();
        while (run.StillRunning.Count > 0) await Task.Yield();
    }

    [Fact]
    public async Task APushedItemIsProcessedWhileItsSourceBlocks()
    {
        var got = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        PipelineRun run = Source.Create<int>(async (push, _) =>
        {
            await push(7);
            goOn.Wait(CancellationToken.None);
        }).ForEach(item => got.SetResult(item)).Start();
        Assert.Equal(7, await got.Task);
        goOn.Set();
        await run.Completion;
    }

    /// <summary>What a source throws when it is told to stop is its failure, whether it waits or works meanwhile. What it has produced goes
    /// through, also behind a buffer.</summary>
    [Theory]
    [InlineData("pushed")]
    [InlineData("pushed, at once")]
    [InlineData("sequence")]
    [InlineData("sequence's end")]
    public async Task AFailureThatAnswersTheStopIsReported(string kind)
    {
        var waits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Source<int> source = kind.StartsWith("pushed", StringComparison.Ordinal) ? Source.Create<int>(async (push, stop) =>
        {
            await push(1);
            await push(2);
            await FailsAsync(stop);
        }) : Source.From(ReadAsync());
        var mayGoOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Pipeline pipeline = source | Stage.Buffer(8) | (async (int item) =>
        {
            await mayGoOn.Task;
            seen.Add(item);
        });
        PipelineRun run = pipeline.Start(new RunOptions { Time = clock });
        await waits.Task;
        Task drained = run.StopAsync();
        while (run.FailureSoFar is null) await Task.Yield();
        mayGoOn.SetResult();
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
        Assert.IsType<IOException>(failure.InnerException);
        Assert.Equal([1, 2], seen);
        await Assert.ThrowsAsync<PipelineException>(() => drained);

        async Task FailsAsync(CancellationToken stop)
        {
            var stopped = new TaskCompletionSource(kind.Contains("at once", StringComparison.Ordinal) ? TaskCreationOptions.None
                : TaskCreationOptions.RunContinuationsAsynchronously);
            using CancellationTokenRegistration told = stop.UnsafeRegister(_ => stopped.SetResult(), null);
            waits.TrySetResult();
            await stopped.Task;
            throw new IOException("the log-out failed");
        }

        async IAsyncEnumerable<int> ReadAsync([EnumeratorCancellation] CancellationToken stop = default)
        {
            try
            {
                yield return 1;
                yield return 2;
                if (kind == "sequence") await FailsAsync(stop);
                waits.TrySetResult();
                await Task.Delay(Timeout.Infinite, stop);
            }
            finally
            {
                if (kind != "sequence") await Task.FromException(new IOException("the log-out failed"));
            }
        }
    }

    [Fact]
    public async Task ANegativeDeadlineIsRefusedBeforeTheDrainBegins()
    {
        ManualSource<int> intake = Source.Manual<int>();
        PipelineRun run = intake.ForEach(seen.Add).Start();
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = run.StopAsync(TimeSpan.FromSeconds(-5)); });
        await intake.SendAsync(1, TestContext.Current.CancellationToken);
        intake.Complete();
        await run.Completion;
        Assert.Equal([1], seen);
    }

    private async Task<(PipelineRun Run, Task Start)> StartAsync(Kind kind, ExecutionMode mode)
    {
        IEnumerator<int> calls = Blocked().GetEnumerator();
        Source<int> source = kind switch
        {
            Kind.Sequence => Source.From(Blocked()),
            Kind.Asynchronous => Source.From(BlockedAsync()),
            Kind.Counted => Source.Resumable("blocked", Blocked()),
            Kind.Resuming => Source.Resumable("blocked", (_, _) => BlockedAsync().Select(Positioned)),
            Kind.Acknowledged => Source.Acknowledged("blocked", "test", (_, _) => BlockedAsync().Select(Positioned)),
            Kind.Repeated => Source.Every(TimeSpan.Zero, null, Called),
            _ => Source.Every("blocked", TimeSpan.FromSeconds(1), (_, _) => BlockedAsync()),
        };
        Pipeline pipeline = source | Stage.Named("blocked") | (static n => n) | StageNode.Of(() => new Seen(this));
        var run = new TaskCompletionSource<PipelineRun>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task start = Task.Factory.StartNew(
            () => pipeline.Start(new RunOptions { Mode = mode, Time = clock, OnStarted = run.SetResult }), CancellationToken.None,
                TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await AdvanceUntilAsync(blocked.Task);       // the first tick has a time
        return (await run.Task, start);

        static WithPosition<int> Positioned(int item) => new(item, new byte[1]);

        int Called()
        {
            calls.MoveNext();
            if (calls.Current == 2) calls.Dispose();
            return calls.Current;
        }
    }

    private async Task AdvanceUntilAsync(Task task)
    {
        while (!task.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
    }

    /// <summary>Lets the source return after the run has ended: its late item must not arrive.</summary>
    private async Task ReleaseAsync(PipelineRun run, Task start)
    {
        goOn.Set();
        await left.Task;
        await start;
        while (run.StillRunning.Count > 0) await Task.Yield();
        Assert.Equal([1], seen);
    }

    private IEnumerable<int> Blocked()
    {
        try
        {
            yield return 1;
            blocked.TrySetResult();
            goOn.Wait();
            yield return 2;
        }
        finally
        {
            left.SetResult();
        }
    }

#pragma warning disable CS1998 // no await: the enumerator blocks on purpose
    private async IAsyncEnumerable<int> BlockedAsync()
    {
        foreach (int item in Blocked()) yield return item;
    }
#pragma warning restore CS1998

    private sealed class Seen(BlockedSourceTests test) : SinkNode<int>
    {
        protected override ValueTask ProcessAsync(int item, CancellationToken cancellation)
        {
            test.seen.Add(item);
            return default;
        }

        protected override ValueTask EndAsync(CancellationToken cancellation)
        {
            test.ended.SetResult();
            return default;
        }
    }

    /// <summary>Like the console: its asynchronous reads block.</summary>
    private sealed class BlockingReader(TaskCompletionSource blocked, ManualResetEventSlim goOn) : TextReader
    {
        private bool hasRead;

        public override ValueTask<int> ReadAsync(Memory<char> buffer, CancellationToken cancellationToken = default)
        {
            if (hasRead)
            {
                blocked.TrySetResult();
                goOn.Wait(CancellationToken.None);
                return new(0);
            }
            hasRead = true;
            "1\n".CopyTo(buffer.Span);
            return new(2);
        }
    }
}
