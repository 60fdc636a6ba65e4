using System.Collections.Concurrent;
using Sluice.Dashboard.Sampling;
using Sluice.Diagnostics;
using Sluice.Graphs;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Sampling;

/// <summary>The sentence about a run names the node that limits it, the method that its lanes are in, and what to change.</summary>
public sealed class RunVerdictTests
{
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Save", 4, 4, "Its 4 lanes are all in `SaveAsync`: raise its Stage.Parallel, or make `SaveAsync` faster.")]
    [InlineData("Save", 4, 3, "3 of its 4 lanes are in `SaveAsync` at the moment: raise its Stage.Parallel, or make `SaveAsync` faster.")]
    [InlineData("Save", 4, 1, "1 of its 4 lanes is in `SaveAsync` at the moment: raise its Stage.Parallel, or make `SaveAsync` faster.")]
    [InlineData("Save", 4, 0, "It has 4 lanes: raise its Stage.Parallel, or make `SaveAsync` faster.")]
    [InlineData("Save", 1, 1, "Its only lane is in `SaveAsync`: give it more with Stage.Parallel, or make `SaveAsync` faster.")]
    [InlineData("Save", 1, 0, "It has one lane: give it more with Stage.Parallel, or make `SaveAsync` faster.")]
    [InlineData("lambda", 2, 2, "Its 2 lanes are all in its code: raise its Stage.Parallel, or make it faster.")]
    [InlineData("Save", 1024, 0, "It has 1024 lanes: make `SaveAsync` faster.")]
    [InlineData("by key", 3, 3, "Its 3 lanes are all in `SaveAsync`: give its KeyBy more lanes, or make `SaveAsync` faster.")]
    [InlineData("sums", 1, 0, "It has one lane: it remembers earlier items, so put a Stage.KeyBy before it if it needs only those of the "
        + "same key, or make `Sum` faster.")]
    [InlineData("sums by key", 3, 1, "1 of its 3 lanes is in `Sum` at the moment: give its KeyBy more lanes, or make `Sum` faster.")]
    [InlineData("file", 1, 0, "It has one lane: make `lines` faster.")]
    public void TheAdviceFitsTheLanes(string node, int lanes, int busy, string advice)
    {
        NodeSample slowest = Sample(node, lanes, busy, 41.2, 0), before = Sample("before", 1, 0, 41.2, 0.92);
        var run = new RunSample(new(RunStatus.Running, TimeSpan.Zero, null, [before.Node, slowest.Node],
            new Dictionary<string, OutputCounts>(), [], []),
            new Dictionary<string, NodeSample> { ["before"] = before, [node] = slowest }, slowest);
        Assert.Equal($"`orders` is blocked: `before` waits 92 % of the time, and `{node}` is the slowest node, at 41/s. {advice}",
            RunVerdict.Slow("orders", run)!.Text);
        Assert.Null(RunVerdict.Slow("orders", run with { Bottleneck = null }));
        Assert.Null(RunVerdict.Slow("orders", run with
        {
            Nodes = new Dictionary<string, NodeSample> { ["before"] = before with { BlockedShare = 0.4 }, [node] = slowest }
        }));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task LanesThatAreAllInOneMethodAreCountedInARun(bool hasBuffer)
    {
        var inside = new BlockingCollection<int>();
        var mayEnd = new TaskCompletionSource();
        await using PipelineRun run = ((hasBuffer ? Source.From(Enumerable.Range(0, 100_000)) | Load | Stage.Buffer(1)
                : Source.From(Enumerable.Range(0, 100_000)) | Load)
            | SaveAsync | Stage.Parallel(4) | Stage.Named("Save") | (static _ => { }))
            .Start(new RunOptions { Time = clock, RecordTimings = true, MaxBufferedItems = 4 });
        for (int lane = 0; lane < 4; lane++) inside.Take(Cancellation);
        var sampler = new RunSampler(run.Topology, clock);
        // While the queue of the lanes fills, the source waits only for moments. It waits for good once all is full.
        for (int full = 0; full < 2; full += IsFull(run.Snapshot()) ? 1 : 0) await Task.Yield();
        sampler.Look(run.Snapshot());
        try
        {
            for (int look = 0; look < 3; look++)
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                RunSample seen = sampler.Look(run.Snapshot());
                if (look < 2) continue;
                NodeSnapshot save = seen.Nodes["Save"].Node;
                Assert.Equal((4, 4, "SaveAsync", TimeSpan.FromSeconds(3)),
                    (save.Lanes, save.BusyLanes, save.Node.Function, save.LongestInside));
                Assert.Contains("waits 100 % of the time, and `Save` is the slowest node, at 0/s. Its 4 lanes are all in `SaveAsync`: "
                    + "raise its Stage.Parallel, or make `SaveAsync` faster.", RunVerdict.Of("import", seen, run).Text,
                    StringComparison.Ordinal);
                Assert.Equal(TimeSpan.FromSeconds(3), new PipelineSample("import", run, seen, new(Urgency.Fine, "")).Oldest);
            }
        }
        finally
        {
            mayEnd.SetResult();                                      // the end of the run waits for the lanes
        }
        await run.CancelAsync();
        Assert.All(run.Snapshot().Nodes, static node => Assert.Equal((0, null), (node.BusyLanes, node.LongestInside)));

        async Task<int> SaveAsync(int item)
        {
            inside.Add(item);
            await mayEnd.Task;
            return item;
        }

        bool IsFull(RunSnapshot now) => now.Nodes.Any(static node => node.BlockedOn is not null)
            && now.Nodes.First(static node => node.Node.Name == "Save").Queued == 4 + (hasBuffer ? 1 : 0);
    }

    [Fact]
    public async Task APipelineWhoseItemsDoNotMoveStandsStillUnlessItsPausesAreThatLong()
    {
        var calls = new SemaphoreSlim(0);
        var inside = new BlockingCollection<int>();
        await using PipelineRun run = (Source.From(Enumerable.Range(0, 100)) | Call | Stage.Named("Call") | (static _ => { }))
            .Start(new RunOptions { Time = clock });
        var sampler = new RunSampler(run.Topology, clock);
        inside.Take(Cancellation);
        Look();
        Assert.Equal("Runs.", After(29));
        Assert.Equal("`import` stands still: no item has moved for 30 s. Which code they are in is known with RunOptions.RecordTimings "
            + "only.", After(1));
        Assert.Equal(TimeSpan.FromSeconds(30), Look().Unmoved);
        Move();
        Assert.Equal("Runs.", After(59));                            // a pause of 30 seconds has ended by itself
        Assert.StartsWith("`import` stands still: no item has moved for 1 min.", After(1), StringComparison.Ordinal);
        Move();
        calls.Release(1000);
        await run.Completion.WaitAsync(Cancellation);
        Assert.Equal((null, null), (Look().Unmoved, Look().StandsFor));

        int Call(int item)
        {
            inside.Add(item);
            calls.Wait(Cancellation);
            return item;
        }

        void Move()
        {
            calls.Release();
            inside.Take(Cancellation);
            Look();
        }

        string After(int seconds)
        {
            clock.Advance(TimeSpan.FromSeconds(seconds));
            return RunVerdict.Of("import", Look(), run).Text;
        }

        RunSample Look() => sampler.Look(run.Snapshot());
    }

    [Fact]
    public async Task AnOutputThatNobodyReadsIsWhatARunWaitsFor()
    {
        await using PipelineRun run = (Source.From(Enumerable.Range(0, 10_000)) | Load | Sink.Output<int>("loaded"))
            .Start(new RunOptions { Time = clock, Outputs = ["loaded"] });
        var sampler = new RunSampler(run.Topology, clock);
        while (run.Snapshot().Nodes.All(static node => node.BlockedOn is null)) await Task.Yield();
        sampler.Look(run.Snapshot());
        clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Matches(
            "^`import` stands still: no item has moved for 30 s. `.+` waits until the program reads its output \\(.+loaded.+\\).$",
            RunVerdict.Of("import", sampler.Look(run.Snapshot()), run).Text);
    }

    [Fact]
    public async Task AConsecutorWhoseItemsDoNotEndStandsStill()
    {
        var mayEnd = new TaskCompletionSource();
        await using var store = new MemoryStreamStore(clock);
        await using var orders = new Consecutor<int>("orders", source => source | SaveAsync | Stage.Parallel(2) | Stage.Named("Save")
            | (static _ => { }), new() { Store = store, Run = new() { Time = clock } });
        await orders.StartAsync(Cancellation);
        await orders.SendAllAsync([1, 2, 3], Cancellation);
        while (orders.Snapshot() is not { InFlight: 3 } now || now.Run!.Nodes.All(static node => node.BusyLanes < 2)) await Task.Yield();
        var source = new StoreSource("main", store);
        var sampler = new ConsecutorSampler("orders", source, orders, clock);
        var seen = new StoreSample(source, [], new Dictionary<string, StreamLook>(), new Dictionary<GroupId, GroupDetail>(),
            clock.GetUtcNow(), null);
        clock.Advance(TimeSpan.FromHours(1));                        // nobody looked: it is not known since when
        Assert.Equal("Works on its backlog.", sampler.Look(seen).Verdict.Text);
        clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal("`orders` stands still: no item has ended for 31 s, and 3 are in flight. The 2 lanes of `Save` are all in "
            + "`SaveAsync`. If it waits for something that does not come, give it a time limit with Stage.Timeout.",
            sampler.Look(seen).Verdict.Text);
        Assert.Equal("working", sampler.Look(seen).Run!.Nodes["Save"].State);
        mayEnd.SetResult();
        await orders.WaitForIdleAsync(Cancellation);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((null, "Keeps up."), (sampler.Look(seen).StandsFor, sampler.Look(seen).Verdict.Text));
        for (int i = 0; i < 3; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(11));
            sampler.Look(seen);
        }
        Assert.Equal((null, "Has nothing to do."), (sampler.Look(seen).StandsFor, sampler.Look(seen).Verdict.Text));

        async Task<int> SaveAsync(int item)
        {
            await mayEnd.Task;
            return item;
        }
    }

    [Fact]
    public async Task TheOldestResolveThatHasNotEndedIsKnown()
    {
        var mayEnd = new ConcurrentDictionary<string, TaskCompletionSource>();
        GraphBuilder<string> builder = Graph.For<string>("slow");
        builder.Add("wait", async (string request) =>
        {
            await mayEnd.GetOrAdd(request, static _ => new()).Task;
            return 1;
        });
        Graph<string> graph = builder.Build(new() { Time = clock });
        Task unwatched = graph.ResolveAsync("unwatched", Cancellation).AsTask();
        Assert.Null(graph.OldestRunning);
        using (var recorder = new GraphRecorder(graph, clock))
        {
            Task first = graph.ResolveAsync("first", Cancellation).AsTask();
            clock.Advance(TimeSpan.FromSeconds(2));
            Task second = graph.ResolveAsync("second", Cancellation).AsTask();
            clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal((TimeSpan.FromSeconds(3), 2), (graph.OldestRunning, graph.InFlight));     // the first one began unwatched
            clock.Advance(TimeSpan.FromSeconds(30));
            Assert.Equal("A resolve has been running for 33 s. If a node waits for something that does not come, give it a time limit.",
                Assert.Single(new GraphSampler(clock).Look([recorder])).Verdict.Text);
            mayEnd["first"].SetResult();
            await first;
            GraphSample left = Assert.Single(new GraphSampler(clock).Look([recorder]));
            Assert.Equal((TimeSpan.FromSeconds(31), Urgency.Fine), (left.Oldest, left.Verdict.Urgency));    // as long as the last one
            Assert.Equal((1, "resolving"), (left.InFlight, left.State));
            mayEnd["second"].SetException(new FormatException("no good"));
            await Assert.ThrowsAsync<NodeFailedException>(() => second);
            Assert.Null(graph.OldestRunning);
            Assert.Equal((0, "idle"), (graph.InFlight, Assert.Single(new GraphSampler(clock).Look([recorder])).State));
        }
        mayEnd["unwatched"].SetResult();
        await unwatched;
        Assert.Equal(0, graph.InFlight);
    }

    private static int Load(int item) => item;

    private static Task<int> SaveAsync(int item) => Task.FromResult(item);

    private static int Sum(int sum, int item) => sum + item;

    // A node of a real topology, with figures of the test.
    private NodeSample Sample(string name, int lanes, int busy, double perSecond, double blocked)
    {
        Source<int> source = Source.From([1]);
        Source<int> keyed = source | Stage.KeyBy(static (int item) => item, lanes);
        Pipeline pipeline = name switch
        {
            "by key" => keyed | SaveAsync | Stage.Named(name) | (static _ => { }),
            "sums" => source.Scan(0, Sum) | Stage.Named(name) | (static _ => { }),
            "sums by key" => keyed.Scan(0, Sum) | Stage.Named(name) | (static _ => { }),
            "file" => source | (static item => $"{item}") | Sink.Lines(TextWriter.Null) | Stage.Named(name),
            "lambda" => source | (static async (int item) => await Task.FromResult(item)) | Stage.Parallel(lanes) | Stage.Named(name)
                | (static _ => { }),
            _ => source | SaveAsync | Stage.Parallel(lanes) | Stage.Named(name) | (static _ => { }),
        };
        return new(new(pipeline.Topology.Nodes.First(node => node.Name == name), 0, 0, 0, 0, 0, 0, NodeActivity.Running, null)
        {
            Lanes = lanes,
            BusyLanes = busy,
        }, perSecond, 0, blocked, new(clock));
    }
}
