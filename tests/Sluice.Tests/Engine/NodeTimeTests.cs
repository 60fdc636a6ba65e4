using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>The recorded time per node, and the name of a node that hangs.</summary>
public sealed class NodeTimeTests : IDisposable
{
    private readonly TestClock clock = new();
    private readonly ManualResetEventSlim goOn = new();

    public void Dispose() => goOn.Dispose();

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    public async Task TheTimeOfANodeExcludesTheNodesBehindIt(int lanes, bool retries)
    {
        var scheduler = new SeededScheduler(5);
        Source<int> source = Source.From([1, 2, 3]) | Fast | Stage.Named("fast") | WaitAsync | Stage.Named("slow") | Stage.Parallel(lanes);
        if (retries) source |= Stage.Retry(1);
        PipelineRun run = (source | StageNode.Of(() => new Measuring(clock)) | Stage.Named("node")).ForEach(static _ => { })
            .Start(new RunOptions { Scheduler = scheduler, Time = clock, RecordTimings = true });
        RunSnapshot end = await scheduler.RunToEndAsync(run, clock);
        Assert.Equal(TimeSpan.Zero, end["fast"].Time);
        Assert.Equal(TimeSpan.FromSeconds(6), end["slow"].Time);
        Assert.Equal(TimeSpan.FromSeconds(9), end["node"].Time);
        Assert.Equal(TimeSpan.FromSeconds(3), end["node"].Measured["query"]);
        Assert.Null(end.Nodes[0].Time);
        Assert.Contains("9.000 s", end.ToString());

        static int Fast(int n) => n;

        async Task<int> WaitAsync(int n)
        {
            await Task.Delay(TimeSpan.FromSeconds(2), clock);
            return n;
        }
    }

    [Fact]
    public async Task AFunctionWithoutAnnotationsHasATime()
    {
        RunSnapshot end = await (Source.From([1]) | (n => n) | (n => n)).ForEach(static _ => { }).RunAsync(new() { RecordTimings = true });
        Assert.All(end.Nodes.Skip(1), static node => Assert.NotNull(node.Time));
    }

    [Fact]
    public async Task TimesAreNotRecordedByDefault()
    {
        RunSnapshot end = await (Source.From([1]) | (n => n)).ForEach(static _ => { }).RunAsync();
        Assert.All(end.Nodes, static node => Assert.Null(node.Time));
        Assert.All(end.Nodes, static node => Assert.Empty(node.Measured));
    }

    [Theory]
    [InlineData(true, "second")]
    [InlineData(false, "numbers | first | second | third | last")]
    public async Task AHangNamesOneNodeWithTimingsAndAChainWithoutThem(bool recordsTimings, string named)
    {
        var hangs = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        PipelineRun run = (Source.From([1]) | Stage.Named("numbers") | (n => n) | Stage.Named("first") | Hang | Stage.Named("second")
            | (n => n) | Stage.Named("third") | (_ => { }) | Stage.Named("last"))
            .Start(new RunOptions { Time = clock, RecordTimings = recordsTimings });
        await hangs.Task;
        _ = run.CancelAsync();
        clock.Advance(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
        Assert.Equal([named], run.StillRunning);
        goOn.Set();
        while (run.StillRunning.Count > 0) await Task.Yield();

        int Hang(int n)
        {
            hangs.SetResult();
            goOn.Wait(CancellationToken.None);
            return n;
        }
    }

    private sealed class Measuring(TestClock clock) : StageNode<int, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            using (Measure("query")) await Task.Delay(TimeSpan.FromSeconds(1), clock, cancellation);
            await output.PushAsync(item);
            await Task.Delay(TimeSpan.FromSeconds(2), clock, cancellation);
        }
    }
}
