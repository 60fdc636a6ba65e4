using Sluice.Diagnostics;

namespace Sluice.Tests.Engine;

/// <summary>A snapshot shows what lanes do, whatever the source before them and the sink behind them do.</summary>
public class LaneActivityTests
{
    private static readonly StagePolicy InLanes = Stage.Parallel(4);

    [Theory]
    [InlineData("first")]
    [InlineData("second")]
    [InlineData("sum")]
    public async Task NodesInLanesRunWhileALaneWorksAndEndWithTheRun(string blocked)
    {
        using var leave = new ManualResetEventSlim();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Source<int> first = Source.From([1, 2, 3]) | (n => Pass("first", n)) | InLanes | Stage.Named("first");
        PipelineRun run = ((first | (n => Pass("second", n)) | InLanes | Stage.Named("second"))
            .Aggregate(0, (sum, n) => sum + Pass("sum", n), static (sum, other) => sum + other) | Stage.Named("sum"))
            .ForEach(static _ => { }).Start();
        await entered.Task;
        RunSnapshot working = run.Snapshot();
        leave.Set();
        await run.Completion;

        Assert.Equal(NodeActivity.Running, working[blocked].Activity);
        Assert.All(["first", "second", "sum"], name => Assert.Equal(NodeActivity.Ended, run.Snapshot()[name].Activity));

        int Pass(string node, int n)
        {
            if (node != blocked) return n;
            entered.TrySetResult();
            leave.Wait(TestContext.Current.CancellationToken);
            return n;
        }
    }
}
