using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice.Tests.Pipelines;

/// <summary>A pipe can be used several times in a pipeline. Each use is a node of its own, with a name of its own in every output that
/// shows names.</summary>
public sealed class ReusedBranchTests
{
    private static readonly Source<int> Numbers = Source.From([1, 2, 3]) | Stage.Named("numbers");
    private static readonly Pipe<int, int> CheckPipe = Pipe.Of<int>() | Check | Stage.OnError(ErrorPolicy.DeadLetter);

    public static TheoryData<ExecutionMode> Modes => [ExecutionMode.SingleThread, ExecutionMode.MultiThread];

    private static int Check(int n) => n is 2 or -3 ? throw new FormatException($"not {n}") : n;

    private static int Negate(int n) => -n;

    [Theory, MemberData(nameof(Modes))]
    public async Task EachUseOfAPipeHasANameOfItsOwn(ExecutionMode mode)
    {
        var seen = new ConcurrentQueue<int>();
        var lines = new ConcurrentQueue<string>();
        Pipeline pipeline = Numbers | [CheckPipe, Pipe.Of<int>() | Negate | CheckPipe] | seen.Enqueue;
        Assert.Equal("numbers | [Check (dead-letters failures), Negate | Check-2 (dead-letters failures)] | Enqueue", pipeline.ToString());
        Assert.Contains("Check-2", pipeline.Topology.ToMermaid(), StringComparison.Ordinal);
        Assert.Contains("Check-2", pipeline.Topology.ToDot(), StringComparison.Ordinal);

        await using PipelineRun run = pipeline.Log("Check-2", "input", line => lines.Enqueue($"{line}")).Start(mode);
        await run.Completion;
        RunSnapshot end = run.Snapshot();
        Assert.Equal((3, 2, 1), (end["Check"].In, end["Check"].Out, end["Check"].Failed));
        Assert.Equal((3, 2, 1), (end["Check-2"].In, end["Check-2"].Out, end["Check-2"].Failed));
        Assert.Equal([("Check", 2), ("Check-2", -3)], run.DeadLetters.Select(letter => (letter.Node, (int)letter.Item!)).Order());
        Assert.Equal(["> Check-2: -1", "> Check-2: -2", "> Check-2: -3"], lines);
        Assert.Equal([-2, -1, 1, 3], seen.Order());

        seen.Clear();
        await pipeline.Replace("Check-2", Pipe.Of<int>() | (n => 7)).RunAsync(new RunOptions { Mode = mode });
        Assert.Equal([1, 3, 7, 7, 7], seen.Order());
    }

    [Fact]
    public void TheFailureOfARunNamesTheFailedUse()
    {
        Pipe<int, int> strict = Pipe.Of<int>() | Check;
        Pipeline pipeline = Numbers | [strict, Pipe.Of<int>() | Negate | strict] | (_ => { });
        Assert.Equal("Check", Assert.Throws<AggregateException>(() =>
            pipeline.RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread }).Wait()).InnerExceptions.OfType<PipelineException>()
            .Single().Node);
        pipeline = Source.From([3]) | [strict, Pipe.Of<int>() | Negate | strict] | (_ => { });
        Assert.Equal("Check-2", Assert.Throws<AggregateException>(() =>
            pipeline.RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread }).Wait()).InnerExceptions.OfType<PipelineException>()
            .Single().Node);
    }

    [Fact]
    public void AGivenNameUsedTwiceIsRefusedWithAdvice()
    {
        Pipe<int, int> named = CheckPipe | Stage.Named("check");
        foreach (Func<object> use in (Func<object>[])
        [
            () => (Numbers | [named, named]).Topology,
            () => (Numbers | [named, named] | (_ => { })).Start(),
            () => (Numbers | [named, Pipe.Of<int>() | Negate | Stage.Named("check")] | (_ => { })).Start(),
            () => Pipeline.Of(Numbers | named | (_ => { }), Numbers | named | (_ => { })).Start(),
            () => new Consecutor<int>("c", source => source | [named, named] | (_ => { }), new() { Store = new MemoryStreamStore() }),
        ])
        {
            string message = Assert.Throws<InvalidTopologyException>(use).Message;
            Assert.Contains("Two nodes were given the name \"check\"", message, StringComparison.Ordinal);
            Assert.Contains("Where one piece is used twice, name each use, 'piece | Stage.Named(…)', or leave the name out", message,
                StringComparison.Ordinal);
        }
        Assert.Equal("numbers | [check (dead-letters failures), second (dead-letters failures)]",
            (Numbers | [named, named | Stage.Named("second")]).ToString());
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AConsecutorTellsTheUsesOfAPipeApart(ExecutionMode mode)
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentQueue<int>();
        Pipe<int, int> strict = Pipe.Of<int>() | Check;
        await using var consecutor = new Consecutor<int>("reused",
            source => source | [strict, Pipe.Of<int>() | Negate | strict] | seen.Enqueue,
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(0), Run = new() { Mode = mode } });
        await consecutor.StartAsync(TestContext.Current.CancellationToken);
        foreach (int n in (int[])[1, 2, 3]) await consecutor.SendAsync(n);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(TestContext.Current.CancellationToken);
        Assert.Equal((1L, 2L), (end.Completed, end.Dead));
        List<string> letters = [];
        await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync(TestContext.Current.CancellationToken))
            letters.Add($"{letter.Node} {letter.Item}");
        Assert.Equal(["Check 2", "Check-2 -3"], letters.Order(StringComparer.Ordinal));
    }

    /// <summary>Brackets without a node are named after their targets. So two brackets, or a bracket and a node, can have the same
    /// name.</summary>
    [Fact]
    public async Task AConsecutorAcceptsBracketsWithTheSameTargets()
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentQueue<int>();
        bool isBroken = true;
        await using var consecutor = new Consecutor<int>("doubled",
            source => source | [s => s, s => s] | [s => s, s => s] | (n => isBroken && n == 2 ? throw new FormatException("not yet") : n)
                | Stage.Named("last") | seen.Enqueue,
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(0) });
        await consecutor.StartAsync(TestContext.Current.CancellationToken);
        foreach (int n in (int[])[1, 2]) await consecutor.SendAsync(n);
        Assert.Equal(4L, (await consecutor.WaitForIdleAsync(TestContext.Current.CancellationToken)).Dead);       // each of its four parts
        Assert.Equal([1, 1, 1, 1], seen);
        isBroken = false;
        await consecutor.RedriveAsync(_ => true);
        await consecutor.WaitForIdleAsync(TestContext.Current.CancellationToken);
        Assert.Equal([1, 1, 1, 1, 2, 2, 2, 2], seen);
    }
}
