using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

public class RunTests
{
    private readonly TestClock clock = new();
    private readonly SeededScheduler scheduler = new(11);
    private readonly SourceProbe<int> source = new();
    private readonly SinkProbe<int> sink = new();

    private RunOptions Options => new() { Scheduler = scheduler, Time = clock };

    [Fact]
    public async Task ACancelledRunNamesTheStagesThatDidNotStop()
    {
        var never = new TaskCompletionSource();
        Pipeline pipeline = source.Source | (n => n) | Stage.Buffer(3) | (async (int _) => await never.Task) | Stage.Named("deaf");
        PipelineRun run = pipeline.Start(Options with { StopTimeout = TimeSpan.FromSeconds(20) });
        source.Push(1);
        scheduler.RunUntilIdle();
        _ = run.CancelAsync();
        scheduler.RunUntilIdle();
        clock.Advance(TimeSpan.FromSeconds(19));
        Assert.False(run.Completion.IsCompleted);
        Assert.Equal(RunStatus.Stopping, run.Snapshot().Status);
        Assert.Empty(run.StillRunning);
        clock.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
        Assert.Equal(["deaf"], run.StillRunning);
    }

    [Fact]
    public async Task TheExceptionOfACancelledRunNamesTheStagesThatDidNotStop()
    {
        var never = new TaskCompletionSource();
        using var cancel = new CancellationTokenSource();
        Pipeline pipeline = source.Source | (async (int _) => await never.Task) | Stage.Named("deaf");
        Task<RunSnapshot> end = pipeline.RunAsync(Options with { StopTimeout = TimeSpan.FromSeconds(20) }, cancel.Token);
        source.Push(1);
        scheduler.RunUntilIdle();
        await cancel.CancelAsync();
        scheduler.RunUntilIdle();
        clock.Advance(TimeSpan.FromSeconds(20));
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => end);
        Assert.Equal("The run was cancelled. Still running, as they do not heed their token: deaf.", cancelled.Message);
    }

    [Fact]
    public async Task ARunEndsOnceDespiteACancelADrainAndAFailure()
    {
        HashSet<TaskStatus> ends = [];
        for (int seed = 0; seed < 200; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            PipelineRun? run = null;
            scheduler.BeforeStep = step =>
            {
                if (step == 1 + (seed % 397)) _ = run!.CancelAsync();
                if (seed % 3 == 0 && step == 1 + (seed % 31)) _ = run!.StopAsync();
            };
            Pipeline pipeline = Source.From(Enumerable.Range(0, 50)) | (async (int n) =>
            {
                await Task.Yield();
                return n == 3 && seed % 2 == 0 ? throw new FormatException("three") : n;
            }) | Stage.Parallel(3) | Stage.Buffer(2) | (_ => { });
            run = pipeline.Start(new RunOptions
            {
                Scheduler = scheduler,
                Time = new TestClock(),
                TrackItems = true,
                OnStarted = started => run = started
            });
            await run.DisposeAsync();
            TaskStatus first = run.Completion.Status;
            ends.Add(first);
            _ = run.CancelAsync();
            await run.DisposeAsync();
            Assert.Equal(first, run.Completion.Status);
            RunSnapshot end = run.Snapshot();
            ItemCounts roots = end.Roots!.Value;
            Assert.Equal(roots.Accepted, roots.Completed + roots.Skipped + roots.Failed + roots.Pending);
            Assert.Equal(first switch
            {
                TaskStatus.Canceled => RunStatus.Cancelled,
                TaskStatus.Faulted => RunStatus.Failed,
                _
                => RunStatus.Completed
            }, end.Status);
            if (first == TaskStatus.RanToCompletion) Assert.Equal(0, roots.Pending);
            Assert.Empty(run.StillRunning);
            Assert.All(end.Nodes, node => Assert.Equal(NodeActivity.Ended, node.Activity));
        }
        Assert.Equal(3, ends.Count);                                     // each of completed, cancelled and failed occurred
    }

    [Fact]
    public async Task CancellingTheTokenOfTheCallerCancelsTheRun()
    {
        using var cancellation = new CancellationTokenSource();
        PipelineRun run = (source.Source | sink.Sink).Start(Options, cancellation.Token);
        await cancellation.CancelAsync();
        scheduler.RunUntilIdle();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.StopAsync());
    }

    [Fact]
    public async Task TheSnapshotOfAStalledRunNamesTheBlockedEdges()
    {
        sink.Block();
        var idle = new SourceProbe<int>();
        Pipeline pipeline = Source.Merge(source.Source | Stage.Named("busy"), idle.Source | Stage.Named("idle"))
            | (n => n) | Stage.Named("work").Buffer(2) | (n => n) | Stage.Named("last") | sink.Sink;
        await using PipelineRun run = pipeline.Start(Options with { MaxBufferedItems = 3 });
        source.Push([.. Enumerable.Range(0, 100)]);
        scheduler.RunUntilIdle();
        RunSnapshot stalled = run.Snapshot();
        Assert.Equal((NodeActivity.Blocked, "work -> last"), (stalled["work"].Activity, stalled["work"].BlockedOn));
        Assert.Equal((NodeActivity.Blocked, "busy -> merge-1"), (stalled["busy"].Activity, stalled["busy"].BlockedOn));
        Assert.Equal(NodeActivity.Waiting, stalled["idle"].Activity);
        Assert.Equal(NodeActivity.Running, stalled["last"].Activity);
        Assert.Equal(2, stalled["last"].Queued);
        Assert.InRange(stalled["merge-1"].Queued, 2, 3);                 // a waiting producer is woken when half is free
        Assert.Contains("blocked on work -> last", stalled.ToString(), StringComparison.Ordinal);
        Assert.Throws<KeyNotFoundException>(() => stalled["lost"]);
    }

    [Fact]
    public async Task ARunComputesItsResultFromTheSharedState()
    {
        PipelineRun run = (Source.From([1, 2, 3]) | StageNode.Of(() => new Adder())).Start(new RunOptions { State = new Sum() });
        Assert.Equal(6, await run.ResultAsync((Sum sum) => sum.Total));
        Assert.Contains("is a Sum, not a Adder", Assert.Throws<InvalidOperationException>(() => run.State<Adder>()).Message,
            StringComparison.Ordinal);
        await using PipelineRun bare = (Source.From([1]) | (_ => { })).Start();
        Assert.Contains("State = new Sum(…)", Assert.Throws<InvalidOperationException>(() => bare.State<Sum>()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task RequestedOutputsAreReadByNameAndOthersAreDiscarded()
    {
        Pipeline pipeline = Source.From(Enumerable.Range(0, 10)) | StageNode.Of(() => new Splitter()) | (_ => { });
        PipelineRun run = pipeline.Start(Options with { Outputs = ["odd"], MaxBufferedItems = 2 });
        Assert.False(run.Completion.IsCompleted);                        // the output is bounded and unread
        List<int> odd = [];
        while (!run.Completion.IsCompleted)
        {
            while (run.Output<int>("odd").TryRead(out int item)) odd.Add(item);
            scheduler.RunUntilIdle();
        }
        await run.Completion;
        while (run.Output<int>("odd").TryRead(out int item)) odd.Add(item);
        Assert.Equal([1, 3, 5, 7, 9], odd);
        await run.Output<int>("odd").Completion;
        Assert.Equal(new OutputCounts(5, 0), run.Snapshot().Outputs["odd"]);
        Assert.Equal(new OutputCounts(5, 5), run.Snapshot().Outputs["even"]);
        Assert.Contains("carries int, not string", Assert.Throws<ArgumentException>(() => run.Output<string>("odd")).Message,
            StringComparison.Ordinal);
        Assert.Contains("Outputs = [\"even\"]", Assert.Throws<ArgumentException>(() => run.Output<int>("even")).Message,
            StringComparison.Ordinal);
    }

    /// <remarks>Regression: a reader that came before the first item decided the type, and the node failed.</remarks>
    [Fact]
    public async Task AReaderOfAnotherTypeIsRefusedBeforeTheFirstItem()
    {
        Pipeline pipeline = source.Source | StageNode.Of(() => new Splitter()) | (_ => { });
        PipelineRun run = pipeline.Start(Options with { Outputs = ["odd"] });
        Assert.Equal("The output 'odd' carries int, not long. (Parameter 'name')",
            Assert.Throws<ArgumentException>(() => run.Output<long>("odd")).Message);
        source.Push(1);
        source.Complete();
        scheduler.RunUntilIdle();
        await run.Completion;
        Assert.Equal(1, await run.Output<int>("odd").ReadAsync());
    }

    [Theory]
    [InlineData(1, 4)]
    [InlineData(2, 4)]                                                   // one lane is blocked, and the other has nothing to do
    public async Task ANodeIsBlockedOnAnUnreadOutput(int lanes, int room)
    {
        Pipeline pipeline = source.Source | Stage.Named("numbers") | Stage.KeyBy((int n) => n % 2, lanes)
            | StageNode.Of(() => new Splitter()) | (_ => { });
        await using PipelineRun run = pipeline.Start(Options with { Outputs = ["odd"], MaxBufferedItems = room });
        source.Push([.. Enumerable.Range(0, room).Select(n => (2 * n) + 1)]);
        scheduler.RunUntilIdle();
        Assert.Equal(NodeActivity.Waiting, run.Snapshot()["Splitter"].Activity);
        source.Push(99);
        scheduler.RunUntilIdle();
        RunSnapshot stalled = run.Snapshot();
        Assert.Equal((NodeActivity.Blocked, "Splitter.odd -> PipelineRun.Output, unread"),
            (stalled["Splitter"].Activity, stalled["Splitter"].BlockedOn));
        Assert.True(run.Output<int>("odd").TryRead(out _));
        scheduler.RunUntilIdle();
        Assert.Equal((NodeActivity.Waiting, null), (run.Snapshot()["Splitter"].Activity, run.Snapshot()["Splitter"].BlockedOn));
    }

    [Fact]
    public async Task TheLastSnapshotContainsTheDeadLetters()
    {
        Pipeline pipeline = Source.From([1, 2, 3]) | (n => n == 2 ? throw new FormatException("no twos") : n) | Stage.Named("odd")
            .OnError(ErrorPolicy.DeadLetter) | (_ => { });
        RunSnapshot end = await pipeline.RunAsync();
        Assert.Equal(("odd", 2), (Assert.Single(end.DeadLetters).Node, end.DeadLetters[0].Item));
        Assert.Contains("dead letters 1, the last: 2 failed in odd after 1 attempt: no twos", end.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsyncRefusesAnOutputThatCannotBeRead()
    {
        Pipeline pipeline = Source.From([1, 2, 3]) | StageNode.Of(() => new Splitter()) | (_ => { });
        var options = new RunOptions { Outputs = ["odd"], MaxBufferedItems = 1 };
        Assert.Contains("'odd'", (await Assert.ThrowsAsync<ArgumentException>(() => pipeline.RunAsync(options))).Message,
            StringComparison.Ordinal);
        List<int> odd = [];
        Task? reading = null;
        async Task ReadAsync(PipelineRun run)
        {
            await foreach (int item in run.Output<int>("odd").ReadAllAsync()) odd.Add(item);
        }
        await pipeline.RunAsync(options with { OnStarted = run => reading = ReadAsync(run) });
        await reading!;
        Assert.Equal([1, 3], odd);
    }

    private sealed class Sum
    {
        public int Total { get; set; }
    }

    private sealed class Adder : SinkNode<int>
    {
        protected override ValueTask ProcessAsync(int item, CancellationToken cancellation)
        {
            State<Sum>().Total += item;
            return default;
        }
    }

    private sealed class Splitter : StageNode<int, int>
    {
        private readonly NamedOutput<int> odd = new("odd"), even = new("even");

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => output.PushAsync(item % 2 == 0 ? even : odd, item);
    }
}
