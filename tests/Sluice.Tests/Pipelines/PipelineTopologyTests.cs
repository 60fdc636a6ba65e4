using Sluice.Diagnostics;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Tests.Pipelines;

/// <summary>The topology of a pipeline: the stages in the code, and the edges between them.</summary>
public class PipelineTopologyTests
{
    [Fact]
    public void AFanOutIsDrawnAsEdgesOfTheStageBeforeIt()
    {
        Topology drawn = (Numbers | Twice | [ToDatabase, ToFile]).Topology;
        Assert.Equal(
            """
            numbers | Twice
            ├─ ToDatabase
            └─ ToFile
            """, drawn.ToText());
        Assert.Equal(["numbers -> Twice", "Twice -> ToDatabase", "Twice -> ToFile"], drawn.Edges.Select(edge => edge.ToString()));
        Assert.DoesNotContain("broadcast", drawn.ToMermaid() + drawn.ToDot(), StringComparison.Ordinal);
        Assert.Equal(4, drawn.Nodes.Count);
    }

    [Fact]
    public void MergedAndNestedBranchesAreDrawnAsEdges()
    {
        Source<int> branches = Numbers | [s => s | Twice, s => s | [t => t, t => t | Half]];
        Topology drawn = (branches | [ToDatabase, ToFile]).Topology;
        Assert.Equal(
            [
                "Half -> ToDatabase", "Half -> ToFile", "Twice -> ToDatabase", "Twice -> ToFile",
                "numbers -> Half", "numbers -> ToDatabase", "numbers -> ToFile", "numbers -> Twice",
            ],
            drawn.Edges.Select(edge => edge.ToString()).Order(StringComparer.Ordinal));
        Topology routed = Numbers.Route(n => n > 1 ? "large" : "small", ("large", s => s | [t => t | Twice, t => t | Half]),
            ("small", s => s)).Topology;
        Assert.Equal(["numbers -> route-1", "route-1.large -> Twice", "route-1.large -> Half"],
            routed.Edges.Select(edge => edge.ToString()));
    }

    [Fact]
    public void ANamedOrLeadingFanOutIsDrawnAsANode()
    {
        Pipeline named = Numbers | [ToDatabase, ToFile] | Stage.Named("both");
        Assert.Equal("numbers | both\n├─ ToDatabase\n└─ ToFile", named.Topology.ToText());
        Sink<int> open = Pipe.Of<int>() | [ToDatabase, ToFile];
        Assert.Equal("broadcast-1\n├─ ToDatabase\n└─ ToFile", open.Topology.ToText());
        Assert.Equal("numbers\n├─ ToDatabase\n└─ ToFile", (Numbers | open).Topology.ToText());
    }

    [Fact]
    public async Task ASnapshotHasTheNodesOfTheTopologyAndNamesFanOutTargets()
    {
        var scheduler = new SeededScheduler(1);
        var source = new SourceProbe<int>();
        var slow = new SinkProbe<int>();
        slow.Block();
        Pipeline pipeline = source.Source | Stage.Named("numbers") | Twice | Stage.Buffer(2) | [Sink.Of<int>(ToFile), slow.Sink];
        await using PipelineRun run = pipeline.Start(new RunOptions { Scheduler = scheduler, Time = new TestClock() });
        source.Push([.. Enumerable.Range(0, 9)]);
        scheduler.RunUntilIdle();
        RunSnapshot stalled = run.Snapshot();
        string probe = pipeline.Topology.Nodes[^1].Name;
        Assert.Equal(pipeline.Topology.Nodes.Select(node => node.Name), stalled.Nodes.Select(node => node.Name));
        Assert.Equal($"Twice -> [ToFile, {probe}]", stalled["Twice"].BlockedOn);
        Assert.Equal((4, 1, 1), (stalled["Twice"].Out, stalled["ToFile"].In, stalled[probe].In));
        Assert.Equal((2, 2), (stalled["ToFile"].Queued, stalled[probe].Queued));
        Assert.Equal((NodeActivity.Running, NodeActivity.Running), (stalled["ToFile"].Activity, stalled[probe].Activity));
    }

    [Fact]
    public async Task AFullBranchBlocksTheStageBeforeTheFanOut()
    {
        var scheduler = new SeededScheduler(1);
        var source = new SourceProbe<int>();
        var slow = new SinkProbe<int>();
        slow.Block();
        Pipeline pipeline = source.Source | Twice | [s => s | Half | Stage.Buffer(2) | slow.Sink, s => s.Buffer(1) | ToFile];
        await using PipelineRun run = pipeline.Start(new RunOptions
        {
            Scheduler = scheduler,
            Time = new TestClock(),
            MaxBufferedItems = 1
        });
        source.Push([.. Enumerable.Range(0, 9)]);
        scheduler.RunUntilIdle();
        Assert.StartsWith("Half -> ", run.Snapshot()["Twice"].BlockedOn, StringComparison.Ordinal);
        Assert.Equal(NodeActivity.Waiting, run.Snapshot()["ToFile"].Activity);
    }

    [Fact]
    public async Task ANodeBehindAFanOutCanBeReplaced()
    {
        List<int> seen = [];
        Pipeline replaced = (Numbers | [s => s | Twice | ToFile, s => s | Half | ToDatabase]).Replace("ToDatabase", Sink.Of<int>(seen.Add));
        Assert.Equal("numbers\n├─ Twice | ToFile\n└─ Half | ToDatabase", replaced.Topology.ToText());
        await replaced.RunAsync();
        Assert.Equal([0, 1, 1], seen);
    }

    [Fact]
    public void AnUnfinishedPipelineCanBeDrawnAndWalked()
    {
        Source<int> source = Numbers | Twice | Stage.Parallel(2);
        Topology drawn = source.Topology;
        Assert.Equal("numbers | Twice (parallel 2)", drawn.ToText());
        Assert.Equal("numbers", Assert.Single(drawn.Upstream(drawn.Find("Twice"))).Name);
        Assert.Equal("numbers", (Numbers | Stage.KeyBy((int n) => n, 3)).Topology.ToText());
        Assert.Equal("Twice", (Pipe.Of<int>() | Twice | Stage.KeyBy((int n) => n, 3)).Topology.ToText());
        Assert.Equal("Twice | ToFile", (Pipe.Of<int>() | Twice | ToFile).Topology.ToText());
    }

    private static Source<int> Numbers => Source.From([1, 2, 3]) | Stage.Named("numbers");

    private static int Twice(int n) => 2 * n;

    private static int Half(int n) => n / 2;

    private static void ToDatabase(int n) => _ = n;

    private static void ToFile(int n) => _ = n;
}
