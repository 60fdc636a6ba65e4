namespace Sluice.Tests.RandomGraphs;

internal enum FanKind
{
    Broadcast,
    Route,
    RoundRobin,
}

/// <summary>Which branch gets which item: shared by fan-outs that merge again and by those that end in sinks.</summary>
internal static class Fan
{
    public static Source<TOut> Build<TOut>(Source<long> source, int id, FanKind kind, Func<Source<long>, Source<TOut>>[] branches) => kind switch
    {
        FanKind.Broadcast => source.Broadcast(branches),
        FanKind.RoundRobin => source.RoundRobin(branches),
        // The last branch is the one for whatever has no other.
        _ when branches.Length > 2 => source.Route(
            value => Roll(value, id, branches.Length), branches[^1], [.. branches.SkipLast(1).Select((branch, n) => ($"b{n}", branch))]),
        _ => source.Route(value => Roll(value, id, branches.Length), [.. branches.Select((branch, n) => ($"b{n}", branch))]),
    };

    public static IEnumerable<Expected> Expect(Expected input, Oracle oracle, string name, int id, FanKind kind, int branches)
    {
        NodeExpectation node = oracle.Node(name, input.Queue, input.Most, input.Most);
        node.In = node.Out = input.Items.Count();
        return Enumerable.Range(0, branches).Select(branch => kind switch
        {
            FanKind.Broadcast => input with { Queue = 0 },
            FanKind.RoundRobin => Expected.Ordered(input.InOrder.Where((_, n) => n % branches == branch), 0, (input.Most + branches - 1) / branches),
            _ => new Expected([.. input.Lanes.Select(lane => lane.Where(item => Roll(item.Value, id, branches) == $"b{branch}").ToList())], 0, input.Most),
        });
    }

    private static string Roll(long value, int id, int branches) => $"b{Mixing.Roll(value, id, branches)}";
}
