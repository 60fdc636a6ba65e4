using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>How the operator under test is wired up.</summary>
public enum Wiring
{
    /// <summary>On one thread: each item goes through all stages before the next item.</summary>
    SingleThread,

    /// <summary>Multi-threaded, and fused with its source where possible.</summary>
    MultiThread,

    /// <summary>Multi-threaded, on an island of its own between two buffers of two items each.</summary>
    Boundaries,
}

/// <summary>The tests that every operator must pass. The test class of each operator derives from it and adds its own tests. An operator
/// with a user function derives from <see cref="FunctionOperatorContract{TOut}"/>.</summary>
/// <remarks>
/// The operator gets the items 0, 1, 2, … It must take at least 60 of them (so <c>Take(60)</c>, not <c>Take(3)</c>). It must not emit
/// items that depend on time alone while the clock does not advance.
/// </remarks>
/// <typeparam name="TOut">The output: compared with <see cref="Assert.Equal{T}(T, T)"/>, so a value, a string or an array.</typeparam>
public abstract class OperatorContract<TOut>
{
    private protected const int FailsAt = 50;
    private const int StopsAt = 40;
    private protected const int Plenty = 1_000_000;

    /// <summary>The kind of the operator's node. The pipeline must contain exactly one node of this kind.</summary>
    protected abstract string Kind { get; }

    /// <summary>Appends the operator, with functions that do not fail, to a source.</summary>
    protected abstract Source<TOut> Apply(Source<int> source);

    /// <summary>Appends the same operator to a pipe.</summary>
    protected abstract Pipe<int, TOut> Apply(Pipe<int, int> pipe);

    /// <summary>Computes the expected output with LINQ.</summary>
    protected abstract IEnumerable<TOut> Oracle(IReadOnlyList<int> items);

    /// <summary>Whether the output has the oracle's order.</summary>
    protected virtual bool KeepsOrder => true;

    /// <summary>Whether the contract's source is the only source. With other sources, the exact output of a drained run is not
    /// known.</summary>
    protected virtual bool HasOneSource => true;

    /// <summary>On one thread, how many items the source has emitted when the first output blocks the sink; null if there is no output
    /// before the end.</summary>
    protected virtual int? FirstOutputAfter => 1;

    /// <summary>Multi-threaded, how many items the source may have emitted at most when the sink blocks.</summary>
    protected virtual int MostHeld => 40;

    /// <summary>The node's expected counters after a normal end.</summary>
    protected virtual (long In, long Out, long Skipped) Counts(IReadOnlyList<int> items) => (items.Count, Oracle(items).Count(), 0);

    /// <summary>Compares the node's counters with the expected ones.</summary>
    protected virtual void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
        => Assert.Equal(Counts(items), (node.In, node.Out, node.Skipped));

    /// <summary>Waits for the end of a run. A timed operator overrides this method and advances the clock.</summary>
    protected virtual Task DriveAsync(PipelineRun run, TestClock clock) => run.Completion;

    /// <summary>Runs until no work is ready. A timed operator advances the clock until its first output.</summary>
    private protected virtual void Rest(QueueScheduler scheduler, TestClock clock) => scheduler.RunUntilIdle();

    [Theory, CombinatorialWiring(0, 1, 2, 3, 61, 100, 1000)]
    public async Task TheOutputMatchesTheOracle(Wiring wiring, int count)
    {
        int[] items = [.. Enumerable.Range(0, count)];
        List<TOut> seen = [];
        Pipeline pipeline = Wire(Apply, Source.From(items), wiring).ForEach(seen.Add);
        for (int run = 0; run < 2; run++)                            // a pipeline is immutable: the first run must not change the second
        {
            seen.Clear();
            await RunAsync(pipeline, wiring);
            AssertSame(Oracle(items), seen);
        }
    }

    [Fact]
    public async Task TheOperatorBehindAPipeMatchesTheOracle()
    {
        int[] items = [.. Enumerable.Range(0, 100)];
        List<TOut> seen = [];
        await RunAsync((Source.From(items) | Apply(Pipe.Of<int>())).ForEach(seen.Add), Wiring.SingleThread);
        AssertSame(Oracle(items), seen);
    }

    [Theory, CombinatorialWiring]
    public async Task NodeCountersAndItemCountsBalance(Wiring wiring)
    {
        int[] items = [.. Enumerable.Range(0, 100)];
        RunSnapshot end = await RunAsync(Wire(Apply, Source.From(items), wiring).ForEach(_ => { }), wiring);
        NodeSnapshot node = NodeOf(end);
        AssertCounts(node, items);
        Assert.Equal((0L, 0L, 0L), (node.Failed, node.Retried, node.Queued));
        ItemCounts roots = end.Roots!.Value;
        Assert.Equal(roots.Accepted, roots.Completed + roots.Skipped + roots.Failed + roots.Pending);
        Assert.Equal((0L, 0L), (roots.Failed, roots.Pending));
        Assert.Equal(end.Nodes.Where(known => known.Node.Kind is "source").Sum(source => source.Out), roots.Accepted);
    }

    [Theory, CombinatorialWiring]
    public async Task AFailureUpstreamFailsTheRunAndEndsTheOutput(Wiring wiring)
    {
        List<TOut> seen = [];
        var failure = await Assert.ThrowsAsync<PipelineException>(
            () => RunAsync(Wire(Apply, Source.From(Numbers(at => Throw(at == FailsAt))) | Stage.Named("numbers"), wiring).ForEach(seen.Add),
                wiring));
        Assert.IsType<FormatException>(failure.InnerException);
        Assert.Equal("numbers", failure.Node);
        AssertBegins(seen, FailsAt);
    }

    [Theory, CombinatorialWiring]
    public async Task CancellationEndsTheRun(Wiring wiring)
    {
        List<TOut> seen = [];
        PipelineRun? run = null;
        Pipeline pipeline = Wire(Apply, Source.From(Numbers(at => { if (at == StopsAt) _ = run!.CancelAsync(); })), wiring)
            .ForEach(seen.Add);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(pipeline, wiring, started => run = started));
        Assert.Equal(RunStatus.Cancelled, run!.Snapshot().Status);
        Assert.Empty(run.StillRunning);
        AssertBegins(seen, StopsAt + 1);
    }

    [Theory, CombinatorialWiring]
    public async Task ADrainProcessesTheItemsInFlight(Wiring wiring)
    {
        List<int> produced = [];
        List<TOut> seen = [];
        PipelineRun? run = null;
        Pipeline pipeline = Wire(Apply, Source.From(Numbers(at =>
        {
            produced.Add(at);
            if (at == StopsAt) _ = run!.StopAsync();
        })), wiring).ForEach(seen.Add);
        RunSnapshot end = await RunAsync(pipeline, wiring, started => run = started);
        if (HasOneSource) AssertSame(Oracle(produced), seen);
        Assert.Equal(RunStatus.Completed, end.Status);
        Assert.Equal((0L, 0L), (end.Roots!.Value.Failed, end.Roots.Value.Pending));
    }

    [Theory, CombinatorialWiring]
    public async Task ABlockedSinkHoldsTheSource(Wiring wiring)
    {
        Assert.SkipWhen(FirstOutputAfter is null, "The operator may emit nothing before its input ends.");
        int needed = FirstOutputAfter.Value;
        int produced = 0;
        var scheduler = new QueueScheduler();
        var clock = new TestClock();
        Pipeline pipeline = Wire(Apply, Source.From(Numbers(at => produced = at + 1)), wiring)
            .ForEachAsync(async (_, _, cancellation) => await Task.Delay(Timeout.InfiniteTimeSpan, cancellation));
        await using PipelineRun run = pipeline.Start(OptionsFor(wiring, clock) with { Scheduler = scheduler });
        Rest(scheduler, clock);
        if (wiring == Wiring.SingleThread) Assert.Equal(needed, produced);
        else Assert.InRange(produced, needed, MostHeld);
        _ = run.CancelAsync();
        scheduler.RunUntilIdle();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
        Assert.Empty(run.StillRunning);
    }

    /// <summary>The contract's options: a test clock, and item tracking.</summary>
    protected static RunOptions OptionsFor(Wiring wiring, TestClock clock) => new()
    {
        Mode = wiring == Wiring.SingleThread ? ExecutionMode.SingleThread : ExecutionMode.MultiThread,
        MaxBufferedItems = wiring == Wiring.Boundaries ? 2 : 16,
        Time = clock,
        TrackItems = true,
    };

    /// <summary>Runs the pipeline to its end.</summary>
    protected async Task<RunSnapshot> RunAsync(Pipeline pipeline, Wiring wiring, Action<PipelineRun>? started = null)
    {
        var clock = new TestClock();
        await using PipelineRun run = pipeline.Start(OptionsFor(wiring, clock) with { OnStarted = started });
        await DriveAsync(run, clock);
        await run.Completion;
        return run.Snapshot();
    }

    private protected static Source<TOut> Wire(Func<Source<int>, Source<TOut>> apply, Source<int> source, Wiring wiring)
        => wiring == Wiring.Boundaries ? apply(source | Stage.Buffer(2)) | Stage.Buffer(2) : apply(source);

    /// <summary>Many more numbers than any test needs.</summary>
    private protected static IEnumerable<int> Numbers(Action<int> before)
    {
        for (int i = 0; i < Plenty; i++)
        {
            before(i);
            yield return i;
        }
    }

    private protected static void Throw(bool now)
    {
        if (now) throw new FormatException("broken on purpose");
    }

    private protected NodeSnapshot NodeOf(RunSnapshot snapshot) => Assert.Single(snapshot.Nodes, node => node.Node.Kind == Kind);

    private void AssertSame(IEnumerable<TOut> expected, List<TOut> seen)
        => Assert.Equal(KeepsOrder ? [.. expected] : InSomeOrder(expected), KeepsOrder ? seen : InSomeOrder(seen));

    /// <summary>Asserts that the output is a prefix of the full output, made only from items before
    /// <paramref name="end"/>.</summary>
    private protected void AssertBegins(List<TOut> seen, int end)
    {
        TOut[] all = [.. Oracle([.. Enumerable.Range(0, Math.Max(1000, end))])];
        int most = Oracle([.. Enumerable.Range(0, end)]).Count();
        Assert.InRange(seen.Count, 0, most);
        if (KeepsOrder) Assert.Equal(all.Take(seen.Count), seen);
        else Assert.Empty(seen.Except(all));
    }

    private static List<TOut> InSomeOrder(IEnumerable<TOut> items) => [.. items.Order()];
}
