namespace Sluice.Tests.RandomGraphs;

/// <summary>What becomes of a root item, as the oracle has it. The larger one wins.</summary>
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

/// <summary>An item of the oracle; <see cref="Root"/> is null for what an operator made out of several.</summary>
internal sealed record Item(long Value, Root? Root);

/// <summary>
/// What the oracle expects on an edge: lanes within which order is promised, and none between them. Full order is one lane.
/// </summary>
/// <param name="Lanes">The items.</param>
/// <param name="Queue">How many items boundaries between here and the next node may hold.</param>
/// <param name="Most">
/// How many items come by at most, whatever their values, also where the stream is cut short: what operators put out at
/// their end is then something else than at the end of the whole stream.
/// </param>
internal sealed record Expected(IReadOnlyList<IReadOnlyList<Item>> Lanes, int Queue, long Most)
{
    public static Expected Ordered(IEnumerable<Item> items, int queue, long most) => new([[.. items]], queue, most);

    public IEnumerable<Item> Items => Lanes.SelectMany(lane => lane);

    /// <summary>The one lane of an ordered stream. Operators that depend on order are only put on those.</summary>
    public IReadOnlyList<Item> InOrder => Lanes.Count == 1
        ? Lanes[0]
        : throw new UnorderedException();

    public IEnumerable<long> Values => Items.Select(item => item.Value);

    public static Expected Together(IEnumerable<Expected> streams, int queue)
        => new([.. streams.SelectMany(stream => stream.Lanes)], queue + streams.Sum(stream => stream.Queue),
        streams.Sum(stream => stream.Most));
}

/// <summary>An operator that depends on order stands where there is none: a fault of the generator, or of making a graph smaller.</summary>
internal sealed class UnorderedException() : Exception("An operator that depends on order stands behind a stream that has none.");
