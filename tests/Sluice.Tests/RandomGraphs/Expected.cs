namespace Sluice.Tests.RandomGraphs;

/// <summary>The outcome of a root item according to the oracle. The larger value wins.</summary>
internal enum RootEnd
{
    Skipped,
    Completed,
    Failed,
}

/// <summary>A root item of the oracle.</summary>
internal sealed class Root
{
    public RootEnd End { get; private set; }

    public void EndsAs(RootEnd end) => End = (RootEnd)Math.Max((int)End, (int)end);
}

/// <summary>An item of the oracle. <see cref="Root"/> is null for an item that an operator made from several items.</summary>
internal sealed record Item(long Value, Root? Root);

/// <summary>
/// What the oracle expects on an edge: lanes that each keep their order, with no order between lanes. An ordered stream has one lane.
/// </summary>
/// <param name="Lanes">The expected items.</param>
/// <param name="Queue">How many items the boundaries in front of the next node may hold.</param>
/// <param name="Most">
/// The maximum number of items, whatever their values. It also holds if the stream is cut short: then the operators emit other
/// items at their end than at the end of the whole stream.
/// </param>
internal sealed record Expected(IReadOnlyList<IReadOnlyList<Item>> Lanes, int Queue, long Most)
{
    public static Expected Ordered(IEnumerable<Item> items, int queue, long most) => new([[.. items]], queue, most);

    public IEnumerable<Item> Items => Lanes.SelectMany(lane => lane);

    /// <summary>The only lane of an ordered stream. Operators that depend on order only follow ordered streams.</summary>
    public IReadOnlyList<Item> InOrder => Lanes.Count == 1
        ? Lanes[0]
        : throw new UnorderedException();

    public IEnumerable<long> Values => Items.Select(item => item.Value);

    public static Expected Together(IEnumerable<Expected> streams, int queue)
        => new([.. streams.SelectMany(stream => stream.Lanes)], queue + streams.Sum(stream => stream.Queue),
        streams.Sum(stream => stream.Most));
}

/// <summary>An operator that depends on order follows an unordered stream: a fault of the generator or of the shrinking.</summary>
internal sealed class UnorderedException() : Exception("An operator that depends on order stands behind a stream that has none.");
