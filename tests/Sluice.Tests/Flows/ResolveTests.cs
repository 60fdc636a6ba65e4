using Sluice.Flows;
using Sluice.Topologies;

namespace Sluice.Tests.Flows;

/// <summary>The plan of a flow, and the mistakes for which <c>Resolve</c> refuses a flow.</summary>
public class ResolveTests
{
    private static Processor P(string name, string[] inputs, string[] outputs, bool wait = false)
        => new(name) { Inputs = inputs, Outputs = outputs, Wait = wait };

    [Fact]
    public void ThePlanHasTheInputsTheResultsAndThePartitions()
    {
        FlowPlan plan = Flow.From(P("sum", ["bar"], ["total"], wait: true), P("foobar", ["foo"], ["bar"]),
            P("show", ["total", "bar", "title"], ["page"])).Resolve().Plan;

        Assert.Equal(["foo", "title"], plan.FloatingInputs);
        Assert.Equal(["page"], plan.Results);
        Assert.Equal(["foobar", "sum,show"], plan.Partitions.Select(part => string.Join(",", part.Select(processor => processor.Name))));
    }

    [Fact]
    public void AnUnresolvedFlowHasNoPlan()
    {
        var flow = Flow.From(P("a", [], ["x"]));
        Assert.Equal("The flow has not been resolved, so it has no Plan: call flow.Resolve() first.",
            Assert.Throws<InvalidOperationException>(() => flow.Plan).Message);
        Assert.Contains("no Topology", Assert.Throws<InvalidOperationException>(() => flow.Topology).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherBoundsKeepAResolvedFlowResolved()
    {
        Flow flow = Flow.From(P("copy", ["x"], ["y"])).Resolve();
        Flow bounded = flow.With("y", new() { MaxItems = 100 });
        Assert.NotSame(flow, bounded);
        Assert.Same(flow.Plan, bounded.Plan);
        Assert.Same(flow.Topology, bounded.Topology);
        Assert.Throws<InvalidOperationException>(() => Flow.From(P("copy", ["x"], ["y"])).With("y", new()).Plan);
    }

    [Fact]
    public async Task AResolvedFlowKeepsItsPlan()
    {
        var flow = Flow.From(P("copy", ["x"], ["y"]));
        Assert.Throws<InvalidOperationException>(() => flow.Plan);
        flow.Resolve();
        FlowPlan plan = flow.Plan;
        Assert.Same(flow, flow.Resolve());
        Assert.Same(plan, flow.Plan);
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(P("copy", ["x"], ["y"]), StartTests.CopyAsync);
        await using FlowRun run = await service.StartAsync(flow, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")));
        Assert.Same(plan, flow.With("x", new()).Plan);
    }

    [Fact]
    public void AStreamHasOneWriter()
        => Refused("The stream x is written by a and b: a stream has one writer. Rename one of the outputs.", P("a", [], ["x"]),
        P("b", [], ["x"]));

    [Fact]
    public void CyclesAreShownShortestFirst()
    {
        var mistake = Assert.Throws<InvalidTopologyException>(() => Flow.From(
            P("a", ["z"], ["x"]), P("b", ["x"], ["y"]), P("c", ["y"], ["z"]), P("d", ["v"], ["w"]), P("e", ["w"], ["v"])).Resolve());
        Assert.Equal(["The flow has a cycle: v -> w -> v (by d, e). Each would wait for the other; remove one of these streams.",
            "The flow has a cycle: x -> y -> z -> x (by b, c, a). Each would wait for the other; remove one of these streams."],
                mistake.Problems);
    }

    [Fact]
    public void AProcessorMustNotReadWhatItWrites()
        => Refused("The flow has a cycle: x -> x (by a). It would wait for itself; remove this stream.", P("a", ["x"], ["x"]));

    [Fact]
    public void ProcessorNamesAreUnique()
        => Refused("2 different processors are named a: a: -> x; a: x -> y. Rename all but one.", P("a", [], ["x"]), P("a", ["x"], ["y"]));

    [Fact]
    public void AFlowWithoutProcessorsIsRefused() => Refused("The flow has no processors: give them to Flow.From.");

    [Fact]
    public void EqualProcessorsCountAsOne()
    {
        Assert.Equal(P("a", ["x"], ["y"]), P("a", ["x"], ["y"]));
        Assert.NotEqual(P("a", ["x"], ["y"]), P("a", ["x"], ["y"], wait: true));
        Assert.Single(Flow.From(P("a", ["x"], ["y"]), P("a", ["x"], ["y"])).Resolve().Processors);
    }

    [Fact]
    public void InvalidNamesAndOptionsAreRefusedWhereTheyAreGiven()
    {
        Assert.Contains("\"a/b\" has a slash", Assert.Throws<ArgumentException>(() => new Processor("a/b")).Message,
            StringComparison.Ordinal);
        Assert.Contains("has \"x\" twice among its Inputs", Assert.Throws<ArgumentException>(() => P("a", ["x", "x"], [])).Message,
            StringComparison.Ordinal);
        Assert.Contains("Near it: bar.", Assert.Throws<ArgumentException>(() => Flow.From(P("a", [], ["bar"])).With("baz", new())).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Flow.From(P("a", [], ["bar"])).With("bar", new() { MaxItems = 0 }));
    }

    [Fact]
    public void AFlowDrawsItsProcessorsAndStreams()
    {
        Flow flow = Flow.From(P("foobar", ["foo"], ["bar"]), P("total", ["bar"], ["sum"], wait: true)).Resolve();
        string text = flow.Topology.ToMermaid();
        Assert.Contains("foobar", text, StringComparison.Ordinal);
        Assert.Contains("|\"bar\"|", text, StringComparison.Ordinal);
        Assert.Contains("waits", text, StringComparison.Ordinal);
        Assert.Equal("foo (given)\n└─ foo: foobar\n   └─ bar: total (waits)\n      └─ sum: sum (result)", flow.ToString());
    }

    [Fact]
    public void OutputsThatNoProcessorReadsAreDrawn()
    {
        Flow flow = Flow.From(P("foobar", ["foo"], ["bar", "rest"]), P("rest", ["bar"], ["sum"])).Resolve();
        Assert.Equal(["foo", "foobar", "rest", "rest-2", "sum"], flow.Topology.Nodes.Select(node => node.Name));
        Assert.Equal("foo (given)\n└─ foo: foobar\n   ├─ bar: rest\n   │  └─ sum: sum (result)\n   └─ rest: rest-2 (result)",
            flow.Topology.ToText());
        Assert.Contains("n1 -->|\"rest\"| n3", flow.Topology.ToMermaid(), StringComparison.Ordinal);
        Assert.Contains("label=\"sum\"", flow.Topology.ToDot(), StringComparison.Ordinal);
        Assert.Equal("lone\n└─ alone: alone (result)", Flow.From(P("lone", [], ["alone"])).Resolve().ToString());
    }

    private static void Refused(string expected, params Processor[] processors)
        => Assert.Equal(expected, Assert.Throws<InvalidTopologyException>(() => Flow.From(processors).Resolve()).Message);
}
