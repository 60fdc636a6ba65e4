namespace Sluice.Tests.Pipelines.Operators;

public sealed class SampleTests : NewestContract
{
    protected override string Kind => "sample";

    protected override Source<int> Apply(Source<int> source) => source.Sample(Second);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Sample(Second);

    [Theory, MemberData(nameof(Modes))]
    public async Task TheNewestItemOfEachPeriodIsEmittedAtItsEnd(ExecutionMode mode)
    {
        await using TimedRun<int> run = Start(mode);
        run.Pass(0.3);
        run.Send(1, 2);
        run.Pass(0.6);
        run.Send(3);
        run.Pass(0.4);
        run.Send(4);
        run.Pass(3);
        Assert.Equal("3@1 4@2", run.Seen);
        Assert.Equal(0, run.Clock.ArmedTimers);                      // no item has come since, so no tick is due
        run.Send(5);
        run.Pass(1);
        Assert.Equal("3@1 4@2 5@5", run.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AClockJumpOverSeveralPeriodsEmitsOneItem(ExecutionMode mode)
    {
        await using TimedRun<int> run = Start(mode);
        run.Send(1, 2);
        run.Jump(3600.5);
        run.Send(3);
        run.Pass(1);
        Assert.Equal("2@3600.5 3@3601", run.Seen);
    }
}
