namespace Sluice.Tests.RandomGraphs;

/// <summary>
/// A step whose results depend on the moments in which items come. No oracle could foretell those, so taps in front of it and
/// behind it write down what came when, and what came out: the first is compared with what the oracle expects to get there, the
/// second with what has to come of it. What is behind the step is expected to go on with what came out.
/// </summary>
internal abstract record ObservedStep<T>(int Id, int? Buffer) : Step(Id)
{
    /// <summary>Whether what it puts out is made of several items, and is a root of its own.</summary>
    protected virtual bool EndsItems => true;

    protected abstract string Details { get; }

    private string SumName => $"sum-{Id}";

    protected abstract Source<T> Apply(Source<long> source, Rig rig);

    /// <summary>A number for something that came out as number <paramref name="n"/>.</summary>
    protected abstract long Sum(T output, int n);

    /// <summary>How many come of so many at most.</summary>
    protected virtual long MostOf(long items) => items;

    /// <summary>What is wrong with what it did, if something is.</summary>
    protected abstract string? Wrong(Observation<T> seen);

    public override Source<long> Build(Source<long> source, Rig rig)
    {
        Journal<T> journal = rig.NewJournal<T>(Name);
        Source<T> applied = new Policy { Buffer = Buffer }.Annotate(Apply(new TappedSource<long>(source, journal.In), rig), Name);
        int count = 0;
        return new TappedSource<T>(applied, journal.Out).Select(output => Sum(output, count++)).Annotate(Stage.Named(SumName));
    }

    public override Expected Expect(Expected input, Oracle oracle)
    {
        long most = MostOf(input.Most);
        NodeExpectation node = oracle.Node(Name, input.Queue, input.Most, most);
        return new Work(SumName, Id, new Policy(), value => [value])
            .Expect(Expected.Ordered(Outputs(input, oracle, node), Buffer ?? 0, most), oracle);
    }

    public override IEnumerable<Step> Simpler()
    {
        if (Buffer is not null) yield return this with { Buffer = null };
    }

    public override IEnumerable<string> Lines() => [$"| {Name}{Details}{new Policy { Buffer = Buffer }}"];

    private List<Item> Outputs(Expected input, Oracle oracle, NodeExpectation node)
    {
        if (oracle.Seen<T>(Name) is not { } seen) return [];         // before the run
        // Where something further down may want no more, what is put out at an early end is not foreseen.
        if (!oracle.MayBeStopped && Order.Violation(input, seen.Arrivals, seen.IsWhole) is { } violation)
            oracle.Wrong.Add($"in front of {Name}: {violation}");
        if (Wrong(seen) is { } wrong) oracle.Wrong.Add($"{Name}: {wrong}");
        (node.In, node.Out, node.Skipped) = (seen.In.Count, seen.Out.Count, EndsItems ? 0 : seen.In.Count - seen.Out.Count);
        node.IsExact = node.IsOutExact = true;
        // Where it was stopped early, what has been seen of one part and what is expected of another may hold the same item.
        Dictionary<long, Root?> roots = [];
        foreach (Item item in input.Items) roots.TryAdd(item.Value, item.Root);
        if (EndsItems)
        {
            foreach (long value in seen.Arrivals) roots.GetValueOrDefault(value)?.EndsAs(RootEnd.Completed);
        }
        return [.. seen.Out.Select((output, n) => Sum(output.Value, n))
            .Select(value => new Item(value, EndsItems ? null : roots.GetValueOrDefault(value)))];
    }
}
