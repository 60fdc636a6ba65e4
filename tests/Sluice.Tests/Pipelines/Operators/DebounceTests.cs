namespace Sluice.Tests.Pipelines.Operators;

public sealed class DebounceTests : OperatorContract<int>
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static TheoryData<ExecutionMode> Modes => [ExecutionMode.SingleThread, ExecutionMode.MultiThread];

    protected override string Kind => "debounce";

    protected override int? FirstOutputAfter => null;                // the clock of the contract stands still

    protected override Source<int> Apply(Source<int> source) => source.Debounce(Second);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Debounce(Second);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.TakeLast(1);

    protected override (long In, long Out, long Skipped) Counts(IReadOnlyList<int> items) => (items.Count, 1, items.Count - 1);

    [Theory, MemberData(nameof(Modes))]
    public async Task TheLastItemOfABurstComesOutWhenItHasBeenQuiet(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Debounce(Second));
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
    public async Task TheLastItemComesOutAtTheEndAtOnce(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Debounce(Second));
        run.Send(1, 2);
        run.Pass(0.5);
        run.End();
        Assert.Equal("2@0.5", run.Seen);
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AnItemAtTheVeryMomentIsANewOne(ExecutionMode mode)
    {
        await using var itemFirst = new TimedRun<int>(mode, source => source.Debounce(Second));
        itemFirst.Send(1);
        itemFirst.SendMeanwhile(1, 2);
        itemFirst.Pass(1);
        Assert.Equal("1@1 2@2", itemFirst.Seen);

        await using var tickFirst = new TimedRun<int>(mode, source => source.Debounce(Second));
        tickFirst.Send(1);
        tickFirst.Pass(1);
        tickFirst.Send(2);
        tickFirst.Pass(1);
        Assert.Equal("1@1 2@2", tickFirst.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task TickAndEndAtTheSameMomentLetItOutOnce(ExecutionMode mode)
    {
        await using var tickFirst = new TimedRun<int>(mode, source => source.Debounce(Second));
        tickFirst.Send(1);
        tickFirst.Clock.Advance(Second);
        tickFirst.End();
        Assert.Equal("1@1", tickFirst.Seen);
        await tickFirst.AssertEndedAsync();

        await using var endFirst = new TimedRun<int>(mode, source => source.Debounce(Second));
        endFirst.EndMeanwhile(1, 1);
        Assert.Equal("1@1", endFirst.Seen);
        await endFirst.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ItemsWaitWhileWhatFollowsIsBusy(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Debounce(Second));
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

    [Theory, MemberData(nameof(Modes))]
    public async Task CancellingGivesUpTheItemThatIsHeld(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Debounce(Second));
        run.Send(1);
        run.Cancel();
        run.AssertCancelled();
        run.Jump(5);
        Assert.Equal("", run.Seen);
    }

    [Fact]
    public async Task UnderLanesEachKeyHasItsOwnQuiet()
    {
        foreach (ExecutionMode mode in Enum.GetValues<ExecutionMode>())
        {
            // Both lanes' ticks come at one moment, into a sink that is busy with the first of them.
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
