using Sluice.Topologies;

namespace Sluice.Pipelines;

/// <summary>The items that a node holds of one key, with numbers that the node needs beside them. Immutable.</summary>
internal sealed record Gathered<T>(long[] Numbers, T[] Items)
{
    /// <summary>The most items that a key may hold: they are one row, which is written as a whole with each new one.</summary>
    public const int MaxItems = 1000;

    public static Gathered<T> Nothing { get; } = new([], []);
}

/// <summary>Stores what is held of a key as one row, which needs a serializer for the items only.</summary>
internal sealed record GatheredForm<T>(string Owner) : StatefulForm<Gathered<T>>(0, Owner, static _ => Gathered<T>.Nothing,
    stored => throw new NotSupportedException($"The state of the key '{stored.Key}' was stored as version {stored.Version}."))
{
    public override int Write(StateWriter changes, string key, Gathered<T> value) => changes.PutMany(key, value.Numbers, value.Items);

    public override Gathered<T> Read(string key, StateReader stored)
    {
        if (stored.Stored(key).Version != Version) return base.Read(key, stored);
        List<T> items = stored.GetMany<T>(key, out long[] numbers);
        return new(numbers, [.. items]);
    }
}

/// <summary>A node that holds items of each key, and puts them out together.</summary>
internal abstract class GatheringNode<T, TOut> : TimedStageNode<T, TOut, Gathered<T>>
{
    internal override bool Gathers => true;

    internal override bool EndsInSteps => true;

    internal override StatefulForm<Gathered<T>> Form => new GatheredForm<T>($"the {GetType().Name}");

    internal override StateShape Shape => base.Shape with { Type = typeof(T) };

    /// <summary>The most outputs of one item, timer or step of an end: they are parts of one commit.</summary>
    protected int MaxEmissions => Cells!.Scope!.MaxEmissions;

    /// <summary>The time of day of the partition, in UTC ticks. It never goes back.</summary>
    protected long UtcNow => Cells!.Scope!.UtcNow.UtcTicks;

    protected override Gathered<T> InitialState(string key) => Gathered<T>.Nothing;

    protected static async ValueTask PushAllAsync(List<TOut> all, Output<TOut> output)
    {
        foreach (TOut one in all) await output.PushAsync(one);
    }
}

internal static class GatheredByKey
{
    /// <summary>Refuses an operator that may hold more items of a key than one row should have.</summary>
    /// <param name="kind">The kind of the operator.</param>
    /// <param name="maxItems">How many items it may hold.</param>
    /// <param name="advice">What to write instead.</param>
    /// <exception cref="InvalidTopologyException">They are too many.</exception>
    public static void Check(string kind, int maxItems, string advice)
    {
        if (maxItems <= Gathered<int>.MaxItems) return;
        throw new InvalidTopologyException(
            $"A {kind} behind Stage.KeyBy would hold {maxItems:N0} items of each key, and in a consecutor they are one row, which is "
                + $"written anew with each of them. Let it hold {Gathered<int>.MaxItems:N0} at most: {advice}.");
    }
}
