namespace Sluice.Pipelines;

/// <summary>Gathers the items of each key into lists: one list of a key is open.</summary>
/// <param name="maxItems">The number of items at which a list is full.</param>
/// <param name="within">The time from the first item of a list until it is put out; null if it may wait.</param>
internal abstract class ListNode<T, TOut>(int maxItems, TimeSpan? within = null) : GatheringNode<T, TOut>
{
    /// <summary>Says where lists end. Calls the user's functions, and changes nothing.</summary>
    /// <param name="open">The open list.</param>
    /// <param name="item">The item.</param>
    /// <returns>Whether the open list ends in front of the item, and whether its list ends with it.</returns>
    protected abstract (bool Before, bool Behind) EndsAt(ReadOnlySpan<T> open, T item);

    /// <summary>Whether a list also ends while it is overfull: then what is left of it comes out as one list.</summary>
    protected virtual bool EndsOverfull => false;

    /// <summary>Makes an output of a list that has ended.</summary>
    protected abstract TOut Make(T[] items);

    protected override ValueTask ProcessAsync(T item, Output<TOut> output, CancellationToken cancellation)
    {
        List<TOut> ended = [];
        T[] open = CutFull(Known.Items, ended, MaxEmissions);
        bool isOverfull = open.Length >= maxItems;   // stored under a larger limit: the rest comes out with later items
        (bool before, bool behind) = isOverfull && !EndsOverfull ? default : EndsAt(open, item);
        if (before)
        {
            ended.Add(Make(open));
            (open, isOverfull) = ([], false);
        }
        open = [.. open, item];
        if (!isOverfull && (behind || open.Length >= maxItems))
        {
            ended.Add(Make(open));
            open = [];
        }
        Keep(open, isNew: ended.Count > 0);
        return PushAllAsync(ended, output);
    }

    protected override ValueTask OnTimerAsync(string timer, Output<TOut> output, CancellationToken cancellation)
        => PutOutAsync(output, isAtEnd: false);      // also if this code has no time limit: none would come again

    protected override ValueTask EndKeyAsync(Output<TOut> output, CancellationToken cancellation) => PutOutAsync(output, isAtEnd: true);

    private ValueTask PutOutAsync(Output<TOut> output, bool isAtEnd)
    {
        List<TOut> ended = [];
        T[] open = CutFull(Known.Items, ended, MaxEmissions);
        bool isOverfull = open.Length >= maxItems;   // the rest comes with later commits
        if (open.Length > 0 && !isOverfull) ended.Add(Make(open));
        Keep(isOverfull ? open : [], isNew: false);
        if (isOverfull && !isAtEnd) Timers.Set(TimeSpan.Zero);
        return PushAllAsync(ended, output);
    }

    private T[] CutFull(T[] open, List<TOut> ended, int most)
    {
        for (; open.Length >= maxItems && ended.Count < most; open = open[maxItems..]) ended.Add(Make(open[..maxItems]));
        return open;
    }

    private void Keep(T[] open, bool isNew)
    {
        if (open.Length == 0)
        {
            RemoveState();
            if (HasTimers) _ = Timers.Cancel();
            return;
        }
        State = new([], open);
        if (within is { } time && (isNew || !Timers.IsSet())) Timers.Set(time);
        // Set by code with a time limit, for the list before. The timer of a list that is too long puts out the rest of it.
        else if (within is null && isNew && open.Length < maxItems && HasTimers) _ = Timers.Cancel();
    }
}

/// <remarks>It has timers also if it needs none: a time limit may be given, or left out, when the node has a state.</remarks>
internal sealed class ChunkNode<T>(ChunkLimits<T> limits) : ListNode<T, T[]>(limits.Count, limits.Within)
{
    protected override (bool Before, bool Behind) EndsAt(ReadOnlySpan<T> open, T item)
    {
        bool isLast = limits.Until?.Invoke(item) ?? false;
        if (limits.Weigh is null) return (false, isLast);
        long weight = limits.WeightOf(item), held = 0;
        foreach (T one in open) held += limits.WeightOf(one);
        // Subtraction, because a sum may overflow: the open chunk weighs less than the limit.
        bool isTooHeavy = open.Length > 0 && weight > limits.MaxWeight - held;
        return (isTooHeavy, isLast || weight >= limits.MaxWeight - (isTooHeavy ? 0 : held));
    }

    protected override T[] Make(T[] items) => items;
}

internal sealed class GroupNode<T, TKey>(Func<T, TKey> key, int maxSize, IEqualityComparer<TKey> comparer)
    : ListNode<T, Group<TKey, T>>(maxSize)
{
    internal override bool HasTimers => false;

    protected override bool EndsOverfull => true;    // an item of another key belongs to no list of this one

    protected override (bool Before, bool Behind) EndsAt(ReadOnlySpan<T> open, T item)
    {
        TKey its = key(item);
        return (open.Length > 0 && !comparer.Equals(key(open[0]), its), false);
    }

    protected override Group<TKey, T> Make(T[] items) => new(key(items[0]), items);
}
