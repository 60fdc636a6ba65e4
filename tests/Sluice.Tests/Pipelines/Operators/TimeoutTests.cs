namespace Sluice.Tests.Pipelines.Operators;

public sealed class TimeoutTests : OperatorContract<int>
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static TheoryData<ExecutionMode> Modes => [ExecutionMode.SingleThread, ExecutionMode.MultiThread];

    protected override string Kind => "timeout";

    protected override Source<int> Apply(Source<int> source) => source.Timeout(Second);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Timeout(Second);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items;

    [Theory, MemberData(nameof(Modes))]
    public async Task AMissingFirstItemFailsTheRun(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Timeout(Second));
        run.Pass(0.999);
        Assert.False(run.Run.Completion.IsCompleted);
        run.Pass(0.001);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Run.Completion);
        Assert.IsType<TimeoutException>(failure.InnerException);
        Assert.Equal("'timeout-1' failed: the first item did not come within 1 s.", failure.Message);
        Assert.Equal(0, run.Clock.ArmedTimers);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AMissingNextItemFailsTheRun(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Timeout(Second) | Stage.Named("heartbeat"));
        for (int item = 1; item <= 3; item++)
        {
            run.Pass(0.9);
            run.Send(item);
        }
        run.Pass(0.999);
        Assert.False(run.Run.Completion.IsCompleted);
        run.Pass(0.001);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Run.Completion);
        Assert.Equal("'heartbeat' failed: no item came behind the 3 before within 1 s.", failure.Message);
        Assert.Equal(0, run.Run.Snapshot().Roots!.Value.Failed);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ATimeoutMayEndTheStreamInsteadOfFailing(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Timeout(Second, end: true));
        run.Send(1, 2);
        run.Pass(1);
        Assert.Equal("1@0 2@0", run.Seen);
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AnItemAtTheDeadlineIsInTime(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Timeout(Second));
        run.SendMeanwhile(1, 1);
        run.End();
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task TheTimeoutPausesWhileTheNextStageIsBusy(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Timeout(Second));
        run.Block();
        run.Send(1);
        run.Pass(10);
        run.Unblock();
        run.Pass(0.999);
        Assert.False(run.Run.Completion.IsCompleted);
        run.Pass(0.001);
        await Assert.ThrowsAsync<PipelineException>(() => run.Run.Completion);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task TheEndOfTheInputStopsTheTimeout(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Timeout(Second));
        run.Send(1);
        run.End();
        run.Pass(5);
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task CancellingTheRunDisarmsTheTimeout(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Timeout(Second));
        run.Cancel();
        run.AssertCancelled();
    }
}
