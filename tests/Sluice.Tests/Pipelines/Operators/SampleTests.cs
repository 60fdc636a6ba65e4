namespace Sluice.Tests.Pipelines.Operators;

public sealed class SampleTests : OperatorContract<int>
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static TheoryData<ExecutionMode> Modes => [ExecutionMode.SingleThread, ExecutionMode.MultiThread];

    protected override string Kind => "sample";

    protected override int? FirstOutputAfter => null;                // the clock of the contract stands still

    protected override Source<int> Apply(Source<int> source) => source.Sample(Second);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Sample(Second);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.TakeLast(1);

    protected override (long In, long Out, long Skipped) Counts(IReadOnlyList<int> items) => (items.Count, 1, items.Count - 1);

    [Theory, MemberData(nameof(Modes))]
    public async Task TheNewestOfEachPeriodComesOutAtItsEnd(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Sample(Second));
        run.Pass(0.3);
        run.Send(1, 2);
        run.Pass(0.6);
        run.Send(3);
        run.Pass(0.4);
        run.Send(4);
        run.Pass(3);
        Assert.Equal("3@1 4@2", run.Seen);
        Assert.Equal(0, run.Clock.ArmedTimers);                      // nothing has come since: nothing is due
        run.Send(5);
        run.Pass(1);
        Assert.Equal("3@1 4@2 5@5", run.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AnItemAtTheVeryEndOfAPeriodBelongsToTheNext(ExecutionMode mode)
    {
        await using var itemFirst = new TimedRun<int>(mode, source => source.Sample(Second));
        itemFirst.Send(1);
        itemFirst.SendMeanwhile(1, 2);
        itemFirst.Pass(1);
        Assert.Equal("1@1 2@2", itemFirst.Seen);

        await using var tickFirst = new TimedRun<int>(mode, source => source.Sample(Second));
        tickFirst.Send(1);
        tickFirst.Pass(1);
        tickFirst.Send(2);
        tickFirst.Pass(1);
        Assert.Equal("1@1 2@2", tickFirst.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task TheNewestOfTheLastPeriodComesOutAtTheEndAtOnce(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Sample(Second));
        run.Send(1, 2);
        run.Pass(0.5);
        run.End();
        Assert.Equal("2@0.5", run.Seen);
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AJumpOverSeveralPeriodsLetsOneItemOut(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Sample(Second));
        run.Send(1, 2);
        run.Jump(3600.5);
        run.Send(3);
        run.Pass(1);
        Assert.Equal("2@3600.5 3@3601", run.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task CancellingGivesUpTheItemThatIsHeld(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Sample(Second));
        run.Send(1);
        run.Cancel();
        run.AssertCancelled();
        run.Jump(5);
        Assert.Equal("", run.Seen);
    }
}
