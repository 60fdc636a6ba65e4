namespace Sluice.Tests.RandomGraphs;

/// <summary>Merge with another flow.</summary>
internal sealed record MergeStep(int Id, Flow Other) : Step(Id)
{
    public override string Name => $"merge-{Id}";

    public override bool IsFatal => Other.Chain.Steps.Any(step => step.IsFatal);

    public override Source<long> Build(Source<long> source, Rig rig) => source.Merge(Other.Build(rig)).Annotate(Stage.Named(Name));

    public override Expected Expect(Expected input, Oracle oracle)
    {
        Expected both = Expected.Together([input, Other.Expect(oracle, false)], 0);
        NodeExpectation node = oracle.Node(Name, both.Queue + (2 * oracle.Capacity), both.Most, both.Most);
        node.InPerOut = 1;
        node.In = node.Out = both.Items.Count();
        return both with { Queue = 0 };
    }

    public override IEnumerable<Step> Simpler() => Other.Simpler().Select(simpler => this with { Other = simpler });

    public override IEnumerable<string> Lines() => [$"| {Name} with", .. Other.Lines().Select(line => "    " + line)];
}
