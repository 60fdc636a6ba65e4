using Sluice.Diagnostics;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>The behavior of a fork-join beyond the operator contract.</summary>
public class ForkJoinTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<ExecutionMode, bool> Ways => new()
    {
        { ExecutionMode.SingleThread, false }, { ExecutionMode.SingleThread, true }, { ExecutionMode.MultiThread, false },
            { ExecutionMode.MultiThread, true },
    };

    [Theory, MemberData(nameof(Ways))]
    public async Task TheJoinFunctionGetsAllOutputsOfEachBranch(ExecutionMode mode, bool isApart)
    {
        List<string> seen = [];
        await Source.From([0, 1, 2, 3]).ForkJoin(
                first => Apart(first, isApart) | (static n => Enumerable.Repeat($"x{n}", n)),
                second => Apart(second, isApart).Where(static n => n > 9),
                third => third | (static n => n * 0.5m), Line)
            .ForEach(seen.Add).RunAsync(new RunOptions { Mode = mode }, Cancellation);
        Assert.Equal(["0: [] [] [0.0]", "1: [x1] [] [0.5]", "2: [x2 x2] [] [1.0]", "3: [x3 x3 x3] [] [1.5]"], seen);

        static string Line(int n, IReadOnlyList<string> first, IReadOnlyList<int> second, IReadOnlyList<decimal> third)
            => FormattableString.Invariant($"{n}: [{string.Join(' ', first)}] [{string.Join(' ', second)}] [{string.Join(' ', third)}]");
    }

    /// <summary>An item fails in the first branch, in the second branch, or in the join function.</summary>
    [Theory, MemberData(nameof(Ways))]
    public async Task AFailureEndsTheRunBeforeLaterItemsAreEmitted(ExecutionMode mode, bool isApart)
    {
        for (int where = 0; where < 3; where++)
        {
            List<int> seen = [];
            int failing = where;
            PipelineRun? started = null;
            Pipeline pipeline = Source.From(Enumerable.Range(0, 1000)).ForkJoin(
                first => Apart(first, isApart) | (n => Check(n, 0)) | Stage.Named("first"),
                second => Apart(second, isApart) | (n => Check(n, 1)) | Stage.Named("second"), (n, _, _) => Check(n, 2))
                    | Stage.Named("join") | seen.Add;
            var failure = await Assert.ThrowsAsync<PipelineException>(() =>
                pipeline.RunAsync(new RunOptions { Mode = mode, TrackItems = true, OnStarted = run => started = run }, Cancellation));
            Assert.Equal((new[] { "first", "second", "join" }[where], 50), (failure.Node, failure.Item));
            Assert.Equal(Enumerable.Range(0, seen.Count), seen);
            Assert.InRange(seen.Count, mode == ExecutionMode.SingleThread ? 50 : 0, 50);
            ItemCounts roots = started!.Snapshot().Roots!.Value;
            Assert.Equal(1, roots.Failed);

            int Check(int n, int at) => n == 50 && at == failing ? throw new FormatException("on purpose") : n;
        }
    }

    /// <summary>In a lane, an item can fail long before its turn in the order comes. Until then the items behind it must not be
    /// emitted.</summary>
    [Fact]
    public async Task ItemsBehindAFailureInALaneAreNotEmitted()
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            List<int> seen = [];
            var scheduler = new SeededScheduler(seed);
            await using PipelineRun run = Source.From(Enumerable.Range(0, 100)).ForkJoin(
                first => first | CheckAsync | Stage.Parallel(4), second => second.Buffer(5), static (n, _, _) => n).ForEach(seen.Add)
                    .Start(new RunOptions { Scheduler = scheduler, Seed = seed });
            var failure = await Assert.ThrowsAsync<PipelineException>(() => scheduler.RunToEndAsync(run));
            Assert.Equal(20, failure.Item);
            Assert.Equal(Enumerable.Range(0, seen.Count), seen);
            Assert.InRange(seen.Count, 0, 20);
        }

        static async Task<int> CheckAsync(int n)
        {
            if (n == 20) throw new FormatException("on purpose");
            for (int i = n * 7 % 5; i > 0; i--) await Task.Yield();
            return n;
        }
    }

    /// <summary>There are more items than may be held, so an item that is not joined must free its place.</summary>
    [Theory, MemberData(nameof(Ways))]
    public async Task ADeadLetteredItemIsNotJoinedAndASkippedItemIs(ExecutionMode mode, bool isApart)
    {
        List<string> seen = [];
        Pipeline pipeline = Source.From(Enumerable.Range(0, 100)).ForkJoin(
            first => Apart(first, isApart) | (static n => n % 2 == 0 ? throw new FormatException("even") : n)
                | Stage.OnError(ErrorPolicy.DeadLetter) | Stage.Retry(1, Backoff.None),
            second => second | (static n => n % 3 == 0 ? throw new FormatException("three") : n) | Stage.OnError(ErrorPolicy.Skip),
            static (n, first, second) => $"{n}: {first.Count} {second.Count}") | Stage.Named("join") | seen.Add;
        RunSnapshot end = await pipeline.RunAsync(new RunOptions { Mode = mode, MaxBufferedItems = 2, TrackItems = true }, Cancellation);
        Assert.Equal(Enumerable.Range(0, 50).Select(static n => (2 * n) + 1).Select(static n => $"{n}: 1 {(n % 3 == 0 ? 0 : 1)}"), seen);
        Assert.Equal(50, end.DeadLetters.Count);
        Assert.Equal((100L, 33L, 67L, 0L), (end.Roots!.Value.Accepted, end.Roots.Value.Completed, end.Roots.Value.Failed,
            end.Roots.Value.Pending));
        Assert.Equal(0, end.Nodes.Single(static node => node.Name == "join").Queued);
    }

    [Theory, MemberData(nameof(Ways))]
    public async Task ABranchThatEndsEarlyDoesNotStopTheOtherBranches(ExecutionMode mode, bool isApart)
    {
        List<string> seen = [];
        await Source.From(Enumerable.Range(0, 5)).ForkJoin(first => Apart(first, isApart).Take(2), second => second.Take(3),
            static (n, first, second) => $"{n}{first.Count}{second.Count}")
            .ForEach(seen.Add).RunAsync(new RunOptions { Mode = mode }, Cancellation);
        Assert.Equal(["011", "111", "201", "300", "400"], seen);
    }

    [Theory, MemberData(nameof(Ways))]
    public async Task ATakeBehindTheJoinStopsTheSource(ExecutionMode mode, bool isApart)
    {
        List<long> seen = [];
        await Source.Range(0, long.MaxValue).ForkJoin(first => Apart(first, isApart), second => second, static (n, _, _) => n).Take(3)
            .ForEach(seen.Add).RunAsync(new RunOptions { Mode = mode }, Cancellation);
        Assert.Equal([0, 1, 2], seen);
    }

    [Theory, MemberData(nameof(Ways))]
    public async Task AnItemThatABranchEmitsAtItsEndFailsTheRun(ExecutionMode mode, bool isApart)
    {
        Pipeline pipeline = Source.From([1]).ForkJoin(first => Apart(first, isApart) | StageNode.Of(static () => new Last()),
            second => second, static (n, _, _) => n) | Stage.Named("join") | (static _ => { });
        var failure = await Assert.ThrowsAsync<PipelineException>(() => pipeline.RunAsync(new RunOptions { Mode = mode }, Cancellation));
        Assert.StartsWith(
            "'join' failed on item 7: It is no part of an item that went into the branches: a node has put it out at its end.",
                failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("chunk"), InlineData("group"), InlineData("window"), InlineData("aggregate"), InlineData("merge"), InlineData("concat"),
        InlineData("zip"), InlineData("join")]
    public void OperatorsThatCombineItemsAreRefusedInABranch(string kind)
    {
        Pipeline pipeline = Source.From([1]).ForkJoin(
            first => first.ForkJoin(deep => Holding(deep), deep => deep, static (n, _, _) => n), second => second, static (n, _, _) => n)
                .ForEach(static _ => { });
        string message = Assert.Throws<InvalidTopologyException>(() => pipeline.Topology).Message;
        Assert.StartsWith($"A {kind} does not fit into a branch of a fork-join: what it puts out is no part of one item", message,
            StringComparison.Ordinal);
        Assert.Throws<InvalidTopologyException>(() => pipeline.Start());

        Source<int> Holding(Source<int> source) => kind switch
        {
            "chunk" => source.Chunk(2) | (static some => some[0]),
            "group" => source.GroupBy(static n => n) | (static group => group.Key),
            "window" => source.Window(TimeSpan.FromSeconds(1)) | (static window => window.Items[0]),
            "aggregate" => source.Aggregate(0, static (sum, n) => sum + n),
            "merge" => source.Merge(Source.From([2])),
            "concat" => source.Concat(Source.From([2])),
            "zip" => source.Zip(Source.From([2]), static (n, _) => n),
            _ => source.Join(left => left, right => right, static n => n, static n => n, static (n, _) => n),
        };
    }

    [Fact]
    public void InvalidForkJoinsAreRefusedWithAReason()
    {
        Source<int> joined = Source.From([1]).ForkJoin(first => first, second => second, static (n, _, _) => n);
        Assert.Equal(
            "Stage.Retry(2) does not fit here: a fork-join stage takes from several branches, and an attempt would leave its traces. Put "
                + "the work that may fail into a stage of its own.",
            Assert.Throws<InvalidOperationException>(() => joined | Stage.Retry(2)).Message);
        Assert.Equal(
            "Stage.OnError(Skip) does not fit here: a fork-join is not one function. Annotate the stages of the branches, or put what the "
                + "join does into a stage behind it.",
            Assert.Throws<InvalidOperationException>(() => joined | Stage.OnError(ErrorPolicy.Skip)).Message);
        Assert.Throws<InvalidOperationException>(() => joined | Stage.Parallel(2));
        Assert.Equal("branches", Assert.Throws<ArgumentException>(() => Source.From([1])
            .ForkJoin(Array.Empty<Func<Source<int>, Source<int>>>(), static (n, _) => n)).ParamName);
        Assert.Equal("join", Assert.Throws<ArgumentNullException>(() => Source.From([1])
            .ForkJoin(first => first, second => second, (Func<int, IReadOnlyList<int>, IReadOnlyList<int>, int>)null!)).ParamName);
        Assert.Throws<InvalidTopologyException>(() => Source.From([1])
            .ForkJoin(first => first, _ => Source.From([2]), static (n, _, _) => n).ForEach(static _ => { }).Start());
    }

    [Fact]
    public async Task TheTopologyShowsTheBranchesAndTheirNodesCanBeReplaced()
    {
        List<int> seen = [];
        Pipeline pipeline = Source.From([1, 2]).ForkJoin(first => first | One | Stage.Named("one"), second => second | Two, Sum)
            | Stage.Named("sum") | Stage.Buffer(2) | seen.Add;
        Assert.Equal(["Two -> sum (fork-join)", "one -> sum (fork-join)", "source-1 -> Two (map)", "source-1 -> one (map)",
            "sum -> Add (sink)"],
            pipeline.Topology.Edges.Select(static edge => $"{edge.From.Name} -> {edge.To.Name} ({edge.To.Kind})")
                .Order(StringComparer.Ordinal));
        await pipeline.Replace("one", Pipe.Of<int>() | (static n => n * 100)).RunAsync(cancellation: Cancellation);
        Assert.Equal([112, 222], seen);
        Assert.StartsWith("The node 'sum' is a fork-join",
            Assert.Throws<InvalidOperationException>(() => pipeline.Replace("sum", Pipe.Of<int>() | One)).Message,
                StringComparison.Ordinal);

        static int Sum(int n, IReadOnlyList<int> first, IReadOnlyList<int> second) => first[0] + second[0];
    }

    /// <summary>The source stops at the bound, and the snapshot names the blocked edge. A drain or a cancellation ends the run.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task TheNumberOfItemsInTheBranchesIsBounded(bool isDrained)
    {
        var scheduler = new QueueScheduler();
        var open = new TaskCompletionSource();
        int produced = 0, started = 0, joined = 0;
        Pipeline pipeline = Source.From(Enumerable.Range(0, 100).Select(n => produced = n)) | Stage.Named("numbers") | Pipe.Of<int>()
            .ForkJoin(
            first => first | WaitAsync | Stage.Parallel(50), second => second, static (n, _, _) => n) | Stage.Named("join")
                | (_ => { joined++; });
        await using PipelineRun run = pipeline.Start(new RunOptions { Scheduler = scheduler, MaxBufferedItems = 5, TrackItems = true });
        scheduler.RunUntilIdle();
        Assert.Equal((5, 5), (produced, started));
        RunSnapshot now = run.Snapshot();
        NodeSnapshot numbers = now.Nodes.Single(static node => node.Name == "numbers"),
            join = now.Nodes.Single(static node => node.Name == "join");
        Assert.Equal((NodeActivity.Blocked, "numbers -> join", NodeActivity.Waiting, 5L),
            (numbers.Activity, numbers.BlockedOn, join.Activity, join.Queued));
        if (isDrained)
        {
            _ = run.StopAsync();
            open.SetResult();
            scheduler.RunUntilIdle();
            await run.Completion;
            Assert.Equal((produced + 1, 0L), (joined, run.Snapshot().Roots!.Value.Pending));
            return;
        }
        _ = run.CancelAsync();
        scheduler.RunUntilIdle();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
        Assert.Equal(0, joined);
        Assert.Empty(run.StillRunning);

        async Task<int> WaitAsync(int n, CancellationToken cancellation)
        {
            started++;
            await open.Task.WaitAsync(cancellation);
            return n;
        }
    }

    /// <summary>The first item is slow. The others wait for it, unless a branch is unordered.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task ResultsHaveTheOrderOfTheItemsUnlessABranchIsUnordered(bool isOrdered)
    {
        var scheduler = new QueueScheduler();
        var open = new TaskCompletionSource();
        List<int> seen = [];
        await using PipelineRun run = Source.From([0, 1, 2]).ForkJoin(
            first => first | WaitAsync | (isOrdered ? Stage.Parallel(3) : Stage.Parallel(3).Unordered),
                second => second.Where(static n => n == 1), static (n, _, _) => n)
            .ForEach(seen.Add).Start(new RunOptions { Scheduler = scheduler });
        scheduler.RunUntilIdle();
        Assert.Equal(isOrdered ? [] : [1, 2], seen);
        open.SetResult();
        scheduler.RunUntilIdle();
        await run.Completion;
        Assert.Equal(isOrdered ? [0, 1, 2] : [1, 2, 0], seen);

        async Task<int> WaitAsync(int n)
        {
            if (n == 0) await open.Task;
            return n;
        }
    }

    [Theory, InlineData(ExecutionMode.SingleThread), InlineData(ExecutionMode.MultiThread)]
    public async Task ABranchMayDelayItsItems(ExecutionMode mode)
    {
        await using var run = new TimedRun<string>(mode, static (source, _) => source.ForkJoin(
            first => first.Delay(TimeSpan.FromSeconds(2)).Where(static n => n != 2), second => second,
                static (n, first, second) => $"{n}:{first.Count}{second.Count}"));
        run.Send(1);
        run.Pass(1);
        run.Send(2, 3);
        run.Pass(3);
        Assert.Equal("1:11@2 2:01@3 3:11@3", run.Seen);
        run.End();
        await run.AssertEndedAsync();
    }

    private static Source<T> Apart<T>(Source<T> source, bool isApart) => isApart ? source.Buffer(3) : source;

    private static int One(int n) => (10 * n) + 1;

    private static int Two(int n) => (10 * n) + 2;

    private sealed class Last : StageNode<int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation) => output.PushAsync(item);

        protected override ValueTask EndAsync(Output<int> output, CancellationToken cancellation) => output.PushAsync(7);
    }
}
