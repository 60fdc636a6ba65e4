namespace Sluice.Tests.RandomGraphs;

internal enum FanKind
{
    Broadcast,
    Route,
    RoundRobin,
}

/// <summary>Decides which branch gets an item. Fan-outs that merge again and fan-outs that end in sinks share this code.</summary>
internal static class Fan
{
    /// <summary>With more branches than this, the last branch is the <c>otherwise</c> branch.</summary>
    public const int MostNamed = 2;

    /// <param name="source">The input.</param>
    /// <param name="id">Selects the branch, together with the value.</param>
    /// <param name="kind">The kind of fan-out.</param>
    /// <param name="branches">The branches.</param>
    /// <param name="unknown">About one of this many items goes to a branch that does not exist; 0: no item does.</param>
    public static Source<TOut> Build<TOut>(
        Source<long> source, int id, FanKind kind, Func<Source<long>, Source<TOut>>[] branches, int unknown = 0) => kind switch
        {
            FanKind.Broadcast => source.Broadcast(branches),
            FanKind.RoundRobin => source.RoundRobin(branches),
            _ when branches.Length > MostNamed => source.Route(
                value => Roll(value, id, branches.Length), branches[^1],
                    [.. branches.SkipLast(1).Select((branch, n) => ($"b{n}", branch))]),
            _ => source.Route(value => IsUnknown(value, id, unknown) ? "nowhere" : Roll(value, id, branches.Length),
                [.. branches.Select((branch, n) => ($"b{n}", branch))]),
        };

    public static IEnumerable<Expected> Expect(Expected input, Oracle oracle, string name, int id, FanKind kind, int branches,
        int unknown = 0)
    {
        NodeExpectation node = oracle.Node(name, input.Queue, input.Most, input.Most);
        // A lane ends at the first item that fails the run.
        List<List<Item>> routed = [.. input.Lanes.Select(lane => lane.TakeWhile(item => !IsUnknown(item.Value, id, unknown)).ToList())];
        foreach (Item lost in input.Lanes.SelectMany(lane => lane.Where(item => IsUnknown(item.Value, id, unknown)).Take(1)))
        {
            node.Failed++;
            lost.Root?.EndsAs(RootEnd.Failed);
            oracle.Fatal.Add(new(name, lost.Value, !oracle.MayBeStopped, lost.Root is not null));
        }
        node.Out = routed.Sum(lane => lane.Count);
        node.In = node.Out + node.Failed;
        return Enumerable.Range(0, branches).Select(branch => kind switch
        {
            FanKind.Broadcast => input with { Queue = 0 },
            FanKind.RoundRobin => Expected.Ordered(input.InOrder.Where((_, n) => n % branches == branch), 0,
                (input.Most + branches - 1) / branches),
            _ => new Expected([.. routed.Select(lane => lane.Where(item => Roll(item.Value, id, branches) == $"b{branch}").ToList())], 0,
                input.Most),
        });
    }

    private static bool IsUnknown(long value, int id, int unknown) => unknown > 0 && Mixing.Roll(value, ~id, unknown) == 0;

    private static string Roll(long value, int id, int branches) => $"b{Mixing.Roll(value, id, branches)}";
}
