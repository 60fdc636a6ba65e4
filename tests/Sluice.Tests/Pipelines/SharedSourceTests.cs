using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice.Tests.Pipelines;

/// <summary>Branches of a shared source can merge again, so a pipeline can be any graph without cycles.</summary>
public sealed class SharedSourceTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<ExecutionMode> Modes => [ExecutionMode.SingleThread, ExecutionMode.MultiThread];

    private static int A(int n) => n + 1;

    private static int B(int n) => n * 10;

    private static int C(int n) => n * 100;

    private static int D(int n) => n + 1000;

    private static int E(int n) => n + 2000;

    [Theory, MemberData(nameof(Modes))]
    public async Task BranchesOfDifferentBracketsCanBeMerged(ExecutionMode mode)
    {
        int made = 0;
        List<int> first = [], second = [];
        Source<int> a = (Source.From([1, 2, 3]) | (n => made++ is var _ ? n : n) | A).Share();
        Source<int> c = (a | C).Share();
        Source<int> meeting = Source.Merge(a | B, c | D);                        // b and d belong to two different brackets
        Pipeline pipeline = Pipeline.Of(meeting | (n => -n) | Stage.Named("five") | first.Add, c | E | second.Add);
        await pipeline.RunAsync(new RunOptions { Mode = mode }, Cancellation);
        Assert.Equal([-1400, -1300, -1200, -40, -30, -20], first.Order());
        Assert.Equal([2200, 2300, 2400], second);
        Assert.Equal(3, made);
        Topology topology = pipeline.Topology;
        Assert.Equal(["B", "D"], topology.Upstream(topology.Find("merge-1")).Select(node => node.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task APipeCanMergeASharedSource()
    {
        Source<int> outer = Source.From([1, 2]).Share();
        Pipe<int, int> both = Pipe.Of<int>().Broadcast(s => s | A, s => s | B).Merge(outer | C);
        List<int> seen = [];
        int made = 0;
        Source<int> counted = (outer | (n => made++ is var _ ? n : n)).Share();
        await Pipeline.Of(Source.Merge(counted | both, counted | D) | seen.Add, counted | E | seen.Add)
            .RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread }, Cancellation);
        Assert.Equal(2, made);
        Assert.Equal(new[] { 2, 10, 3, 20, 100, 200, 1001, 1002, 2001, 2002 }.Order(), seen.Order());
    }

    [Fact]
    public async Task NodesBehindASharedSourceAreReplacedAndLoggedByName()
    {
        Source<int> shared = (Source.From([1]) | Stage.Named("numbers") | A).Share();
        var seen = new ConcurrentQueue<int>();
        Pipeline pipeline = Pipeline.Of(Source.Merge(shared | B, shared | C) | seen.Enqueue, shared | D | seen.Enqueue);
        foreach (string name in (string[])["A", "B", "C", "D"])
        {
            seen.Clear();
            List<string> lines = [];
            await pipeline.Replace(name, Pipe.Of<int>() | (n => 7)).Replace("numbers", Source.From([2]))
                .Log(name, "output", line => lines.Add($"{line}"))
                .RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread }, Cancellation);
            Assert.Equal([$"< {name}: 7"], lines);
            int a = name == "A" ? 7 : 3;
            Assert.Equal(new[] { name == "B" ? 7 : 10 * a, name == "C" ? 7 : 100 * a, name == "D" ? 7 : 1000 + a }.Order(), seen.Order());
        }
        Assert.Equal(pipeline.Topology.ToText(), pipeline.Replace("A", Pipe.Of<int>() | A).Topology.ToText());
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ATakeDoesNotBlockTheOtherBranchAndAFailureEndsTheRun(ExecutionMode mode)
    {
        Source<long> shared = Source.Range(0, 5000).Share();
        List<long> few = [], all = [];
        await Pipeline.Of(shared.Take(3).ForEach(few.Add), shared.ForEach(all.Add))
            .RunAsync(new RunOptions { Mode = mode, MaxBufferedItems = 1 }, Cancellation);
        Assert.Equal((3, 5000), (few.Count, all.Count));
        var failure = await Assert.ThrowsAsync<PipelineException>(() => Pipeline.Of(shared | (_ => { }),
            shared | (n => n == 7 ? throw new FormatException("seven") : n) | Stage.Named("odd") | (_ => { }))
                .RunAsync(new RunOptions { Mode = mode }, Cancellation));
        Assert.Equal("odd", failure.Node);
    }

    [Fact]
    public void AGraphThatWouldDeadlockIsRefused()
    {
        Source<int> shared = Source.From([1]).Share();
        Source<int> late = (shared | A).Share();
        Assert.Contains("A zip of two pieces that use one shared source",
            Assert.Throws<InvalidTopologyException>(() => (shared | A).Zip(late | B, (a, b) => a + b).ForEach(_ => { }).Start()).Message,
                StringComparison.Ordinal);
        Assert.Contains("A concat of two pieces", Assert.Throws<InvalidTopologyException>(() => Source.Concat(Source.From([2]), shared | A,
            late).ForEach(_ => { }).Topology).Message, StringComparison.Ordinal);
        Assert.Contains("this is where a shared source is used",
            Assert.Throws<InvalidOperationException>(() => shared | Stage.Buffer(3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AConsecutorSettlesAnItemWhenAllItsPartsHaveEnded()
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentQueue<int>();
        bool isBroken = true;
        await using var consecutor = new Consecutor<int>("meeting", source =>
        {
            Source<int> a = (source | A).Share();
            Source<int> b = (a | B).Share();
            return Pipeline.Of(Source.Merge(b | (n => n == 30 && isBroken ? throw new FormatException("not yet") : n), a | C)
                | Stage.Named("met") | seen.Enqueue, b | D | seen.Enqueue);
        }, new() { Store = store, Delivery = DeliveryGuarantee.Replay(0) });
        await consecutor.StartAsync(Cancellation);
        foreach (int n in (int[])[1, 2, 3]) await consecutor.SendAsync(n);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((2L, 1L), (end.Completed, end.Dead));
        Assert.Equal(new[] { 20, 40, 200, 300, 400, 1020, 1030, 1040 }.Order(), seen.Order());
        isBroken = false;
        await consecutor.RedriveAsync(_ => true);
        Assert.Equal(3L, (await consecutor.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AConsecutorWithoutAStoreMergesASharedSource(ExecutionMode mode)
    {
        var seen = new ConcurrentQueue<int>();
        await using var consecutor = new Consecutor<int>("local", source =>
        {
            Source<int> a = (source | A).Share();
            Source<int> b = (a | B).Share();
            return Pipeline.Of(Source.Merge(b, a | C) | seen.Enqueue, b | D | Stage.Parallel(2) | seen.Enqueue);
        }, new() { Run = new() { Mode = mode, MaxBufferedItems = 2 } });
        await consecutor.StartAsync(Cancellation);
        for (int n = 0; n < 500; n++) await consecutor.SendAsync(n);
        Assert.Equal(500L, (await consecutor.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal(Enumerable.Range(1, 500).SelectMany(n => new[] { 10 * n, 100 * n, (10 * n) + 1000 }).Order(), seen.Order());
    }

    [Fact]
    public async Task AResumableSourceInFrontOfAMergeIsRefused()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("intake", source => source | (_ => { }), new() { Store = store });
        Source<int> shared = Source.Resumable("numbers", (int[])[1, 2]).Share();
        Exception failure = await Assert.ThrowsAnyAsync<Exception>(() =>
            (Source.Merge(shared | A, shared | B) | consecutor).RunAsync(cancellation: Cancellation));
        Assert.Contains("merge-1 takes what comes from several inputs in another order each time", failure.Message,
            StringComparison.Ordinal);
    }
}
