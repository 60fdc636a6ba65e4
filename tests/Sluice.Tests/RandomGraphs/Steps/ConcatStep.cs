namespace Sluice.Tests.RandomGraphs;

/// <summary>Concat: the items of another flow follow.</summary>
internal sealed record ConcatStep(int Id, Flow Other) : Step(Id)
{
    public override string Name => $"concat-{Id}";

    public override bool IsFatal => Other.Chain.Steps.Any(step => step.IsFatal);

    public override Source<long> Build(Source<long> source, Rig rig) => source.Concat(Other.Build(rig)).Annotate(Stage.Named(Name));

    public override Expected Expect(Expected input, Oracle oracle)
    {
        Expected other = Other.Expect(oracle, false);
        NodeExpectation node = oracle.Node(
            Name, input.Queue + other.Queue + (2 * oracle.Capacity), input.Most + other.Most, input.Most + other.Most);
        List<Item> all = [.. input.InOrder, .. other.InOrder];
        node.InPerOut = 1;
        node.In = node.Out = all.Count;
        return Expected.Ordered(all, 0, input.Most + other.Most);
    }

    public override IEnumerable<Step> Simpler() => Other.Simpler().Select(simpler => this with { Other = simpler });

    public override IEnumerable<string> Lines() => [$"| {Name} with", .. Other.Lines().Select(line => "    " + line)];
}
