namespace Sluice.Tests.Pipelines.Operators;

/// <summary>The common behavior of operators that hold the newest item for a second.</summary>
public abstract class NewestContract : OperatorContract<int>
{
    private protected static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static TheoryData<ExecutionMode> Modes => [ExecutionMode.SingleThread, ExecutionMode.MultiThread];

    protected override int? FirstOutputAfter => null;                // the contract's clock does not advance

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.TakeLast(1);

    protected override (long In, long Out, long Skipped) Counts(IReadOnlyList<int> items) => (items.Count, 1, items.Count - 1);

    [Theory, MemberData(nameof(Modes))]
    public async Task TheNewestItemIsEmittedAtOnceWhenTheInputEnds(ExecutionMode mode)
    {
        await using TimedRun<int> run = Start(mode);
        run.Send(1, 2);
        run.Pass(0.5);
        run.End();
        Assert.Equal("2@0.5", run.Seen);
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AnItemAtTheDueTimeDoesNotReplaceTheHeldItem(ExecutionMode mode)
    {
        await using TimedRun<int> itemFirst = Start(mode);
        itemFirst.Send(1);
        itemFirst.SendMeanwhile(1, 2);
        itemFirst.Pass(1);
        Assert.Equal("1@1 2@2", itemFirst.Seen);

        await using TimedRun<int> tickFirst = Start(mode);
        tickFirst.Send(1);
        tickFirst.Pass(1);
        tickFirst.Send(2);
        tickFirst.Pass(1);
        Assert.Equal("1@1 2@2", tickFirst.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ACancelledRunDoesNotEmitTheHeldItem(ExecutionMode mode)
    {
        await using TimedRun<int> run = Start(mode);
        run.Send(1);
        run.Cancel();
        run.AssertCancelled();
        run.Jump(5);
        Assert.Equal("", run.Seen);
    }

    private protected TimedRun<int> Start(ExecutionMode mode) => new(mode, Apply);
}
