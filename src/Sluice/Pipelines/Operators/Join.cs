using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Pairs the items of two sources by key: every left item with every held right item, and every right item with every held
    /// left item.</summary>
    /// <remarks>
    /// <para>An inner join: each pair comes out once, when the later of its two items comes; an item with several partners gets a pair with
    /// each, in the order in which they came. Keys are compared by the default comparer of their type.</para>
    /// <para>An item waits for partners until it is forgotten: when it has been here for <paramref name="within"/>, when there are more
    /// than
    /// <paramref name="maxHeld"/> of its side and it is the oldest, or when the other source has ended. An item that found no partner until
    /// then, or until the end, is counted as skipped. Two items that come exactly <paramref name="within"/> apart do not meet. There is
    /// no timer: what has been here too long is forgotten when the next item comes, or at the end.</para>
    /// <para>Ends when both sources have ended, in a drain also. Nothing waits to come out, so nothing does at the end. The clock is the
    /// run's
    /// (<see cref="RunOptions.Time"/>); when it jumps, everything may be forgotten. With several threads, which items meet within the
    /// bounds
    /// depends on how fast the sources are; in single-thread mode one source may well run to its end before the other begins.</para>
    /// </remarks>
    /// <typeparam name="TLeft">The type of the left items.</typeparam>
    /// <typeparam name="TRight">The type of the right items.</typeparam>
    /// <typeparam name="TKey">The type of the keys.</typeparam>
    /// <typeparam name="TOut">The type of the items made from pairs.</typeparam>
    /// <param name="left">The left source.</param>
    /// <param name="right">The right source.</param>
    /// <param name="leftKey">Returns the key of a left item; not null.</param>
    /// <param name="rightKey">Returns the key of a right item; not null.</param>
    /// <param name="function">Makes an item from a pair.</param>
    /// <param name="within">The time that an item waits for partners: more than zero, at most 36,500 days; no limit by default.</param>
    /// <param name="maxHeld">The number of items held of each side, 1 or more. The first time in a run that an item without a partner is
    /// forgotten because of it, a warning is logged.</param>
    /// <returns>The items made from the pairs. They are new root items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time or the number is out of range.</exception>
    [AlsoForPipes]
    public static Source<TOut> Join<TLeft, TRight, TKey, TOut>(
        this Source<TLeft> left, Source<TRight> right, Func<TLeft, TKey> leftKey, Func<TRight, TKey> rightKey,
            Func<TLeft, TRight, TOut> function,
        TimeSpan? within = null, int maxHeld = 100_000) where TKey : notnull
    {
        var join = new JoinOperator<TLeft, TRight, TKey, TOut>(NotNull(leftKey), NotNull(rightKey), NotNull(function),
            Bounds(within, maxHeld));
        return PairSource.Of(NotNull(left), NotNull(right), join);
    }

    private static JoinBounds Bounds(TimeSpan? within, int maxHeld)
    {
        if (within is { } time) Positive(time, nameof(within));
        ArgumentOutOfRangeException.ThrowIfLessThan(maxHeld, 1);
        return new(within, maxHeld);
    }
}

/// <summary>The bounds of waiting items: their time and their number.</summary>
internal readonly record struct JoinBounds(TimeSpan? Within, int MaxHeld)
{
    /// <summary>Warns that an item was forgotten without a partner because too many are held.</summary>
    public void Warn(StageContext context)
    {
        int most = MaxHeld;
        context.Run.WarnOnce(context.Node, name => $"'{name}' holds {most:N0} item{(most == 1 ? "" : "s")} of each side at most, and has "
            + "forgotten an item that had found no partner. If that is not meant, raise maxHeld.");
    }
}

internal sealed class JoinOperator<TLeft, TRight, TKey, TOut>(
    Func<TLeft, TKey> leftKey, Func<TRight, TKey> rightKey, Func<TLeft, TRight, TOut> function, JoinBounds bounds)
    : PairOperator<TLeft, TRight, TOut> where TKey : notnull
{
    public override string Kind => "join";

    public override Delegate Function => function;

    public override (Inlet<TLeft> Left, Inlet<TRight> Right) Create(StageContext context, Inlet<TOut> next)
    {
        var left = new JoinSide<TLeft, TRight, TKey, TOut>(context, next, leftKey, function, bounds);
        var right = new JoinSide<TRight, TLeft, TKey, TOut>(context, next, rightKey, (one, other) => function(other, one), bounds);
        (left.Other, right.Other) = (right, left);
        next.ShareAmong(2);
        return (left, right);
    }
}

/// <summary>One input of a join, and its held items. One island drives both inputs: their calls never overlap.</summary>
internal sealed class JoinSide<T, TOther, TKey, TOut>(
    StageContext context, Inlet<TOut> next, Func<T, TKey> key, Func<T, TOther, TOut> function, JoinBounds bounds)
    : Stage<T, TOut>(context, next) where TKey : notnull
{
    private readonly Queue<Held> byAge = new();
    private readonly Dictionary<TKey, Queue<Held>> byKey = [];
    private bool hasEnded;

    public JoinSide<TOther, T, TKey, TOut> Other { get; set; } = null!;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        Queue<JoinSide<TOther, T, TKey, TOut>.Held>? partners;
        try
        {
            TKey itemKey = key(item) ?? throw new InvalidOperationException("The key is null.");
            long now = Context.Run.Time.GetTimestamp();
            ForgetOld(now);
            Other.ForgetOld(now);
            bool hasMet = Other.byKey.TryGetValue(itemKey, out partners);
            Hold(new(item, itemKey, now) { HasMet = hasMet });
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);  // of the key function, or of a key that is hashed or compared
        }
        if (partners is not null) return PairSome(item, ticket, partners.GetEnumerator());
        ticket?.Settle(Outcome.Completed);           // held now: a pair is a root item of its own
        return default;
    }

    protected override ValueTask OnCompleteAsync()
    {
        hasEnded = true;
        Other.ForgetAll();                           // no partner can come any more
        return Next.CompleteAsync();
    }

    /// <summary>Pushes until there are no more partners, or until a push has to wait.</summary>
    private ValueTask PairSome(T item, Ticket? ticket, Queue<JoinSide<TOther, T, TKey, TOut>.Held>.Enumerator partners)
    {
        while (partners.MoveNext())
        {
            ValueTask pushed = PairAsync(item, ticket, partners.Current);
            if (!pushed.IsCompletedSuccessfully) return PairRestAsync(pushed, item, ticket, partners);
        }
        ticket?.Settle(Outcome.Completed);
        return default;
    }

    private async ValueTask PairRestAsync(
        ValueTask pushed, T item, Ticket? ticket, Queue<JoinSide<TOther, T, TKey, TOut>.Held>.Enumerator partners)
    {
        await pushed;
        while (partners.MoveNext())
        {
            Context.Run.ThrowIfStopping();
            await PairAsync(item, ticket, partners.Current);
        }
        ticket?.Settle(Outcome.Completed);
    }

    private ValueTask PairAsync(T item, Ticket? ticket, JoinSide<TOther, T, TKey, TOut>.Held partner)
    {
        partner.HasMet = true;
        TOut pair;
        try
        {
            pair = function(item, partner.Item);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return EmitAsync(pair, null);
    }

    private void Hold(Held held)
    {
        if (Other.hasEnded)
        {
            if (!held.HasMet) Context.Skipped++;
            return;
        }
        if (!byKey.TryGetValue(held.Key, out Queue<Held>? same)) byKey.Add(held.Key, same = new(1));       // first: a key may fail
        same.Enqueue(held);
        byAge.Enqueue(held);
        if (byAge.Count > bounds.MaxHeld && !ForgetOldest()) bounds.Warn(Context);
    }

    private void ForgetOld(long now)
    {
        if (bounds.Within is not { } within) return;
        while (byAge.TryPeek(out Held? oldest) && Context.Run.Time.GetElapsedTime(oldest.At, now) >= within) ForgetOldest();
    }

    private void ForgetAll()
    {
        while (byAge.Count > 0) ForgetOldest();
    }

    /// <summary>The oldest of all is also the oldest of its key.</summary>
    /// <returns>Whether it had met a partner.</returns>
    private bool ForgetOldest()
    {
        Held oldest = byAge.Dequeue();
        Queue<Held> same = byKey[oldest.Key];
        same.Dequeue();
        if (same.Count == 0) byKey.Remove(oldest.Key);
        if (!oldest.HasMet) Context.Skipped++;
        return oldest.HasMet;
    }

    internal sealed class Held(T item, TKey key, long at)
    {
        public T Item => item;

        public TKey Key => key;

        public long At => at;

        public bool HasMet { get; set; }
    }
}
