namespace Sluice.Tests.RandomGraphs;

/// <summary>A step that remembers what went by: what it puts out depends on the order, so it only stands where there is one.</summary>
internal abstract record OrderedStep(int Id, int? Buffer) : Step(Id)
{
    /// <summary>Whether what it puts out is made of several items, and is a root of its own.</summary>
    protected virtual bool EndsItems => false;

    protected abstract Source<long> Apply(Source<long> source, Rig rig);

    /// <summary>What comes of these items; those that are dropped are missing.</summary>
    protected abstract IEnumerable<Item> Outputs(IReadOnlyList<Item> items);

    /// <summary>How many items come of so many at most.</summary>
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
