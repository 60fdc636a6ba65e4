namespace Sluice.Tests.Pipelines.Operators;

public sealed class JoinTests : FunctionOperatorContract<int>
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static readonly int[] Digits = [.. Enumerable.Range(0, 10)];

    public static TheoryData<ExecutionMode> Modes => [ExecutionMode.SingleThread, ExecutionMode.MultiThread];

    protected override string Kind => "join";

    protected override bool KeepsOrder => false;

    protected override bool HasOneSource => false;

    protected override int? FirstOutputAfter => null;                // on one thread, the left source may run to its end first

    protected override Source<int> Apply(Source<int> source)
        => source.Join(Source.From(Digits), n => n % 10, digit => digit, Pair, maxHeld: 1000);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe)
        => pipe.Join(Source.From(Digits), n => n % 10, digit => digit, Pair, maxHeld: 1000);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.Join(Digits, n => n % 10, digit => digit, Pair);

    protected override Source<int> Fragile(Source<int> source, Action<int> touch) => source.Join(
        Source.From(Digits),
        n =>
        {
            touch(n);
            return n % 10;
        },
        digit => digit, Pair);

    protected override (long In, long Out, long Skipped) Counts(IReadOnlyList<int> items) => (items.Count + 10, items.Count, 0);

    [Theory, MemberData(nameof(Modes))]
    public async Task ItemsAreJoinedWithinTheTimeLimit(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, (left, right) => Halves(left, right, within: Second));
        run.Send(1);
        run.Pass(0.5);
        run.Send(-1);
        run.Pass(0.4);
        run.Send(-1);
        run.Pass(0.1);
        run.Send(-1);                                                // exactly one second after the left item
        run.Pass(0.2);
        run.Send(1);
        Assert.Equal("1-1@0.5 1-1@0.9 1-1@1.2 1-1@1.2 1-1@1.2", run.Seen);
        run.Jump(3600);
        run.Send(1, 2);
        run.End();
        Assert.Equal(2, run.Node("join").Skipped);                   // the last two items found no partner
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AJoinForgetsTheOldestItemBeyondMaxHeld(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, (left, right) => Halves(left, right, maxHeld: 2));
        run.Send(1, 2, 3);
        Assert.Equal(1, run.Node("join").Skipped);
        run.Send(-1, -2, -3);
        Assert.Equal("2-2@0 3-3@0", run.Seen);
        run.End();
        Assert.Equal(2, run.Node("join").Skipped);                   // items 1 and -1
        await run.AssertEndedAsync();
    }

    [Fact]
    public async Task AJoinWarnsOnceThatItForgetsItemsBeyondMaxHeld()
    {
        using var listener = new WarningListener();
        await using var run = new TimedRun<string>(ExecutionMode.SingleThread,
            static (left, right) => Halves(left, right, maxHeld: 1) | Stage.Named("forgetful-sources"));
        foreach (int item in (int[])[1, -1, 1, 2, -2, 3]) run.Send(item);
        Assert.Empty(Warnings());                                    // items that had to go have met partners
        foreach (int item in (int[])[4, 5, 6]) run.Send(item);
        Assert.Single(Warnings());
        run.End();
        await run.AssertEndedAsync();

        IEnumerable<string> Warnings() => listener.Texts.Where(static text => text.StartsWith(
            "'forgetful-sources' holds 1 item of each side at most", StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task EachPairIsEmittedOnceInEitherOrderOfArrival(ExecutionMode mode)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            await using var run = new TimedRun<string>(mode, (left, right) => Halves(left, right));
            int[] sent = [.. Enumerable.Range(0, 60).Select(_ => random.Next(1, 5) * (random.Next(2) == 0 ? 1 : -1))];
            run.Send(sent);
            var expected = from left in sent.Where(n => n > 0)
                           join right in sent.Where(n =>
                n < 0) on left equals -right
                           select $"{left}{right}@0";
            Assert.Equal(expected.Order(), run.Seen.Split(' ').Order());
        }
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ABlockedSinkHoldsBothSides(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, (left, right) => Halves(left, right));
        run.Send(1, 1, 1);
        run.Block();
        run.Send(-1);
        run.Send(2, -2);
        Assert.Equal(("1-1@0", 4L), (run.Seen, run.Node("join").In));
        run.Unblock();
        Assert.Equal("1-1@0 1-1@0 1-1@0 2-2@0", run.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task CancellingEndsARunWithABlockedPair(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, (left, right) => Halves(left, right));
        run.Send(1, 1);
        run.Block();
        run.Send(-1);
        run.Send(2);
        run.Cancel();
        run.AssertCancelled();
        Assert.Equal("1-1@0", run.Seen);
    }

    [Theory, CombinatorialWiring]
    public async Task AFailureOfTheResultFunctionNamesTheItem(Wiring wiring)
    {
        Pipeline pipeline = Source.From([7]).Join(Source.From<int>([7]), n => n, n => n, (left, _) => left / (left - 7)).ForEach(_ => { });
        var failure = await Assert.ThrowsAsync<PipelineException>(() => RunAsync(pipeline, wiring));
        Assert.IsType<DivideByZeroException>(failure.InnerException);
        Assert.Equal(7, failure.Item);
    }

    [Fact]
    public async Task ANullKeyFailsTheRunAndNamesTheItem()
    {
        Pipeline pipeline = Source.From([7]).Join(Source.From<int>([]), _ => (string)null!, _ => "", (left, _) => left).ForEach(_ => { });
        var failure = await Assert.ThrowsAsync<PipelineException>(() => RunAsync(pipeline, Wiring.SingleThread));
        Assert.Equal("'join-1' failed on item 7: The key is null.", failure.Message);
    }

    [Fact]
    public void NumbersOutOfRangeAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Halves(Source.From([1]), Source.From([1]), within: TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => Halves(Source.From([1]), Source.From([1]), maxHeld: 0));
    }

    private static int Pair(int n, int digit) => (n * 10) + digit;

    private static Source<string> Halves(Source<int> left, Source<int> right, TimeSpan? within = null, int maxHeld = 1000)
        => left.Join(right, n => n, n => -n, (one, other) => $"{one}{other}", within, maxHeld);
}
