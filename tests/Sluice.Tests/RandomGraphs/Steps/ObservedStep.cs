namespace Sluice.Tests.RandomGraphs;

/// <summary>
/// A step whose outputs depend on the times of its items, which no oracle can predict. So a tap in front of the step records its inputs,
/// and a tap behind it records its outputs. The test compares the inputs with the oracle, and the outputs with what must follow from the
/// recorded inputs. For the steps behind it, the oracle continues with the recorded outputs.
/// </summary>
internal abstract record ObservedStep<T>(int Id, int? Buffer) : Step(Id)
{
    /// <summary>Whether an output is made from several items, and so belongs to no root item.</summary>
    protected virtual bool EndsItems => true;

    protected abstract string Details { get; }

    private string SumName => $"sum-{Id}";

    protected abstract Source<T> Apply(Source<long> source, Rig rig);

    /// <summary>A number for the output with the index <paramref name="n"/>.</summary>
    protected abstract long Sum(T output, int n);

    /// <summary>The maximum number of outputs for a number of items.</summary>
    protected virtual long MostOf(long items) => items;

    /// <summary>Returns what the step did wrong, or null.</summary>
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
        // If a step downstream may end early, the oracle cannot predict the outputs at that end.
        if (!oracle.MayBeStopped && Order.Violation(input, seen.Arrivals, seen.IsWhole) is { } violation)
            oracle.Wrong.Add($"in front of {Name}: {violation}");
        if (Wrong(seen) is { } wrong) oracle.Wrong.Add($"{Name}: {wrong}");
        (node.In, node.Out, node.Skipped) = (seen.In.Count, seen.Out.Count, EndsItems ? 0 : seen.In.Count - seen.Out.Count);
        node.IsExact = node.IsOutExact = true;
        // After an early stop, the recorded items of one part and the expected items of another may contain the same item.
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
