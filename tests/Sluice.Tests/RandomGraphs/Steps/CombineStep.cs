namespace Sluice.Tests.RandomGraphs;

/// <summary>Aggregate with a combiner, behind a map in lanes of its own: emits one number for all items at the end, whatever their
/// order.</summary>
internal sealed record CombineStep(int Id, Policy Policy, int? Buffer) : Step(Id)
{
    public override string Name => $"combine-{Id}";

    private string EachName => $"each-{Id}";

    // The seed differs from step to step, so that no two results for no items are equal; a combination has it once.
    public override Source<long> Build(Source<long> source, Rig rig)
        => new Policy { Buffer = Buffer }.Annotate(
            Policy.Annotate(source.Select(Each), EachName)
                .Aggregate((long)Id, static (sum, n) => sum + n, (sum, other) => sum + other - Id),
            Name);

    public override Expected Expect(Expected input, Oracle oracle)
    {
        input = new Work(EachName, Id, Policy, value => [Each(value)]).Expect(input, oracle);
        NodeExpectation node = oracle.Node(Name, input.Queue, input.Most, 1);
        long sum = Id;
        foreach (Item item in input.Items)
        {
            node.In++;
            sum += item.Value;
            item.Root?.EndsAs(RootEnd.Completed);
        }
        node.Out = 1;
        return Expected.Ordered([new(sum, null)], Buffer ?? 0, 1);
    }

    public override IEnumerable<Step> Simpler()
    {
        foreach (Policy simpler in Policy.Simpler()) yield return this with { Policy = simpler };
        if (Buffer is not null) yield return this with { Buffer = null };
    }

    public override IEnumerable<string> Lines() => [$"| {EachName}{Policy}", $"| {Name}{new Policy { Buffer = Buffer }}"];

    private long Each(long value) => Mixing.Mix(value, Id);
}
