namespace Sluice.Tests.Pipelines.Operators;

public sealed class DebounceTests : NewestContract
{
    protected override string Kind => "debounce";

    protected override Source<int> Apply(Source<int> source) => source.Debounce(Second);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Debounce(Second);

    [Theory, MemberData(nameof(Modes))]
    public async Task TheLastItemOfABurstIsEmittedAfterTheQuietPeriod(ExecutionMode mode)
    {
        await using TimedRun<int> run = Start(mode);
        run.Send(1);
        run.Pass(0.6);
        run.Send(2);
        run.Pass(0.6);
        run.Send(3);
        run.Pass(0.999);
        Assert.Equal("", run.Seen);
        run.Pass(10);
        run.Send(4);
        run.Pass(10);
        Assert.Equal("3@2.2 4@13.199", run.Seen);
        Assert.Equal(2, run.Node("debounce").Skipped);
        Assert.Equal(0, run.Clock.ArmedTimers);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task TheItemIsEmittedOnceWhenTheTickAndTheEndCoincide(ExecutionMode mode)
    {
        await using TimedRun<int> tickFirst = Start(mode);
        tickFirst.Send(1);
        tickFirst.Clock.Advance(Second);
        tickFirst.End();
        Assert.Equal("1@1", tickFirst.Seen);
        await tickFirst.AssertEndedAsync();

        await using TimedRun<int> endFirst = Start(mode);
        endFirst.EndMeanwhile(1, 1);
        Assert.Equal("1@1", endFirst.Seen);
        await endFirst.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ItemsWaitWhileTheNextStageIsBusy(ExecutionMode mode)
    {
        await using TimedRun<int> run = Start(mode);
        run.Send(1);
        run.Block();
        run.Pass(1);
        run.Send(2, 3);
        run.Pass(10);
        Assert.Equal((1, 0), (run.Node("debounce").In, run.Node("debounce").Skipped));
        run.Unblock();
        run.Pass(1);
        Assert.Equal("1@1 3@12", run.Seen);
    }

    [Fact]
    public async Task EachKeyHasItsOwnQuietPeriod()
    {
        foreach (ExecutionMode mode in Enum.GetValues<ExecutionMode>())
        {
            // The ticks of both lanes fire at the same moment, and the sink is busy with the first item.
            await using var run = new TimedRun<int>(mode, source => (source | Stage.KeyBy((int n) => n % 2, 2)).Debounce(Second));
            run.Send(1, 2, 3, 4);
            run.Block();
            run.Pass(1);
            Assert.Single(run.Seen.Split(' '));
            run.Unblock();
            Assert.Equal(["3@1", "4@1"], run.Seen.Split(' ').Order());
            run.End();
            await run.AssertEndedAsync();
        }
    }
}
