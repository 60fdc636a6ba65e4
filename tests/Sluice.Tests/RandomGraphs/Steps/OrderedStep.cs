namespace Sluice.Tests.RandomGraphs;

/// <summary>A stateful step. Its outputs depend on the order of its items, so it only follows an ordered stream.</summary>
internal abstract record OrderedStep(int Id, int? Buffer) : Step(Id)
{
    /// <summary>Whether an output is made from several items, and so belongs to no root item.</summary>
    protected virtual bool EndsItems => false;

    protected abstract Source<long> Apply(Source<long> source, Rig rig);

    /// <summary>The outputs for these items, without the skipped ones.</summary>
    protected abstract IEnumerable<Item> Outputs(IReadOnlyList<Item> items);

    /// <summary>The maximum number of outputs for a number of items.</summary>
    protected virtual long MostOf(long items) => items;

    public override Source<long> Build(Source<long> source, Rig rig) => new Policy { Buffer = Buffer }.Annotate(Apply(source, rig), Name);

    public override Expected Expect(Expected input, Oracle oracle)
    {
        NodeExpectation node = oracle.Node(Name, input.Queue, input.Most, MostOf(input.Most));
        List<Item> outputs = [.. Outputs(input.InOrder)];
        node.In = input.InOrder.Count;
        node.Out = outputs.Count;
        node.Skipped = EndsItems ? 0 : node.In - node.Out;
        node.IsExact &= !MayStop;
        node.InPerOut = EndsItems ? 0 : 1;
        if (EndsItems)
        {
            foreach (Item item in input.Items) item.Root?.EndsAs(RootEnd.Completed);
        }
        return Expected.Ordered(outputs, Buffer ?? 0, MostOf(input.Most));
    }

    public override IEnumerable<Step> Simpler()
    {
        if (Buffer is not null) yield return this with { Buffer = null };
    }

    public override IEnumerable<string> Lines() => [$"| {Name}{Details}{new Policy { Buffer = Buffer }}"];

    protected abstract string Details { get; }
}
