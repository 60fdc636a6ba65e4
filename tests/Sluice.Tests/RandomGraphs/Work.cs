namespace Sluice.Tests.RandomGraphs;

/// <summary>The expectations of the oracle for a function that is applied to one item at a time, under a policy.</summary>
internal sealed record Work(string Name, int Id, Policy Policy, Func<long, IEnumerable<long>> Outputs)
{
    /// <summary>Whether the node counts an item without outputs as skipped.</summary>
    public bool CountsSkipped { get; init; }

    /// <summary>The maximum number of outputs per item.</summary>
    public long MostOfOne { get; init; } = 1;

    /// <summary>The outputs at the end of the input.</summary>
    public IEnumerable<long> AtEnd { get; init; } = [];

    public Expected Expect(Expected input, Oracle oracle)
    {
        long most = (input.Most * MostOfOne) + AtEnd.Count();
        NodeExpectation node = oracle.Node(Name, input.Queue + Policy.OwnQueue(oracle.Capacity), input.Most, most);
        node.MostRetried = input.Most * Policy.Retries;
        List<IReadOnlyList<Item>> lanes = [];
        foreach (IReadOnlyList<Item> lane in input.Lanes.SelectMany(Split))
        {
            List<Item> outputs = [];
            foreach (Item item in lane)
            {
                if (!Attempt(item, node, oracle)) break;
                if (Policy.FailuresOf(item.Value, Id) > Policy.Retries) continue;
                int before = outputs.Count;
                outputs.AddRange(Outputs(item.Value).Select(value => new Item(value, item.Root)));
                node.Out += outputs.Count - before;
                if (CountsSkipped && outputs.Count == before) node.Skipped++;
                if (!Policy.Unordered) continue;
                if (outputs.Count > 0) lanes.Add(outputs);
                outputs = [];
            }
            lanes.Add(outputs);
        }
        foreach (long value in AtEnd)
        {
            node.Out++;
            if (lanes.Count == 1) lanes[0] = [.. lanes[0], new(value, null)];
            else lanes.Add([new(value, null)]);
        }
        return new(lanes, Policy.NextQueue(oracle.Capacity), most);
    }

    /// <returns>Whether later items of the lane can follow: not after an item that fails the run.</returns>
    private bool Attempt(Item item, NodeExpectation node, Oracle oracle)
    {
        node.In++;
        int failures = Policy.FailuresOf(item.Value, Id);
        node.Retried += Math.Min(failures, Policy.Retries);
        if (failures <= Policy.Retries) return true;
        node.Failed++;
        item.Root?.EndsAs(RootEnd.Failed);
        if (Policy.OnError == ErrorPolicy.DeadLetter) oracle.DeadLetters.Add((Name, item.Value));
        if (Policy.OnError != ErrorPolicy.Stop) return true;
        oracle.Fatal.Add(new(Name, item.Value, !oracle.MayBeStopped, item.Root is not null));
        return Policy.Unordered;
    }

    private IEnumerable<IReadOnlyList<Item>> Split(IReadOnlyList<Item> lane) => Policy.KeyLanes == 0
        ? [lane]
        : lane.GroupBy(item => Policy.KeyOf(item.Value, Id)).Select(group => group.ToList());
}
