namespace Sluice.Tests.RandomGraphs;

/// <summary>Zip: pairs with the items of another flow, until the shorter flow has ended.</summary>
internal sealed record ZipStep(int Id, Flow Other) : Step(Id)
{
    public override string Name => $"zip-{Id}";

    public override bool MayStop => true;

    public override bool IsFatal => Other.Chain.Steps.Any(step => step.IsFatal);

    public override Source<long> Build(Source<long> source, Rig rig) => source.Zip(Other.Build(rig), Pair).Annotate(Stage.Named(Name));

    public override Expected Expect(Expected input, Oracle oracle)
    {
        Expected other = Other.Expect(oracle, true);
        long most = Math.Min(input.Most, other.Most);
        NodeExpectation node = oracle.Node(Name, input.Queue + other.Queue + (2 * oracle.Capacity), input.Most + other.Most, most);
        var pairs = input.InOrder.Zip(other.InOrder, (left, right) => new Item(Pair(left.Value, right.Value), null)).ToList();
        node.Out = pairs.Count;
        node.IsExact = false;
        node.InPerOut = 2;
        foreach (Item item in input.Items.Concat(other.Items)) item.Root?.EndsAs(RootEnd.Completed);
        return Expected.Ordered(pairs, 0, most);
    }

    public override IEnumerable<Step> Simpler() => Other.Simpler().Select(simpler => this with { Other = simpler });

    public override IEnumerable<string> Lines() => [$"| {Name} with", .. Other.Lines().Select(line => "    " + line)];

    private long Pair(long left, long right) => Mixing.Mix(Mixing.Mix(left, Id), right);
}
