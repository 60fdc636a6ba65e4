namespace Sluice.Tests.RandomGraphs;

/// <summary>Pairs of equal keys with the items of another flow; nothing is forgotten, and neither side has to be in order.</summary>
internal sealed record JoinStep(int Id, Flow Other, int Keys) : Step(Id)
{
    public override string Name => $"join-{Id}";

    public override bool IsFatal => Other.Chain.Steps.Any(step => step.IsFatal);

    public override Source<long> Build(Source<long> source, Rig rig)
        => source.Join(Other.Build(rig), Key, Key, Pair).Annotate(Stage.Named(Name));

    public override Expected Expect(Expected input, Oracle oracle)
    {
        Expected other = Other.Expect(oracle, false);
        long most = input.Most * other.Most;
        NodeExpectation node = oracle.Node(Name, input.Queue + other.Queue + (2 * oracle.Capacity), input.Most + other.Most, most);
        var pairs = input.Values.Join(other.Values, Key, Key, (left, right) => new Item(Pair(left, right), null)).ToList();
        node.In = input.Items.Count() + other.Items.Count();
        node.Out = pairs.Count;
        node.Skipped = Alone(input, other) + Alone(other, input);
        foreach (Item item in input.Items.Concat(other.Items)) item.Root?.EndsAs(RootEnd.Completed);
        return new([.. pairs.Select(pair => new[] { pair })], 0, most);
    }

    public override IEnumerable<Step> Simpler()
    {
        foreach (Flow simpler in Other.Simpler()) yield return this with { Other = simpler };
        if (Keys > 1) yield return this with { Keys = 1 };
    }

    public override IEnumerable<string> Lines() => [$"| {Name} by {Keys} keys with", .. Other.Lines().Select(line => "    " + line)];

    private long Key(long value) => Mixing.Roll(value, Id, Keys);

    private long Pair(long left, long right) => Mixing.Mix(Mixing.Mix(left, Id), right);

    private long Alone(Expected side, Expected partners)
    {
        HashSet<long> known = [.. partners.Values.Select(Key)];
        return side.Values.Count(value => !known.Contains(Key(value)));
    }
}
