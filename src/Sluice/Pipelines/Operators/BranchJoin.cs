using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Gives every item to two branches, and pairs their outputs by key: every left item with every held right item, and every
    /// right item with every held left item.</summary>
    /// <remarks><para>An inner join, like the join of two sources: each pair comes out once, when the later of its two items comes. In a
    /// consecutor the held items are state, by partition, so a pair is complete even if days and crashes lie between its halves; the stage
    /// needs a name (<see cref="Stage.Named"/>). To join two streams there, let one consecutor take both, with a branch for each.</para>
    /// <para>An item is held for <paramref name="within"/>, or until it is the oldest of more than <paramref name="maxHeld"/> items of its
    /// side. If it has found no partner by then, or by the end of a run, it is counted as skipped. There is no timer: expired items are
    /// dropped when the next item comes. The clock is that of the run; in a consecutor it is the time of day, which never goes back.</para>
    /// <para>In a consecutor of several partitions, items meet only if they were accepted with keys of the same partition: let
    /// <see cref="Consecutor{T}.Key"/> be the key of the join, unless both halves come from one item.</para></remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TLeft">The type of the left items.</typeparam>
    /// <typeparam name="TRight">The type of the right items.</typeparam>
    /// <typeparam name="TKey">The type of the keys.</typeparam>
    /// <typeparam name="TOut">The type of the items made from pairs.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="left">The left branch.</param>
    /// <param name="right">The right branch.</param>
    /// <param name="leftKey">Returns the key of a left item; not null.</param>
    /// <param name="rightKey">Returns the key of a right item; not null.</param>
    /// <param name="function">Makes an item from a pair.</param>
    /// <param name="within">The time that an item is held: more than zero, at most 36,500 days; no limit by default.</param>
    /// <param name="maxHeld">The number of items held of each side, 1 or more; in a consecutor, of each partition. The first time in a run
    /// that an item without a partner is dropped because of it, a warning is logged.</param>
    /// <returns>The items made from the pairs. They are new root items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time or the number is out of range.</exception>
    [AlsoForPipes]
    public static Source<TOut> Join<T, TLeft, TRight, TKey, TOut>(
        this Source<T> source, Func<Source<T>, Source<TLeft>> left, Func<Source<T>, Source<TRight>> right, Func<TLeft, TKey> leftKey,
            Func<TRight, TKey> rightKey,
        Func<TLeft, TRight, TOut> function, TimeSpan? within = null, int maxHeld = 100_000) where TKey : notnull
    {
        var join = new BranchJoinOperator<TLeft, TRight, TKey, TOut>(NotNull(leftKey), NotNull(rightKey), NotNull(function),
            Bounds(within, maxHeld));
        return PairSource.Of(NotNull(source), left, right, join);
    }
}

internal sealed class BranchJoinOperator<TLeft, TRight, TKey, TOut>(
    Func<TLeft, TKey> leftKey, Func<TRight, TKey> rightKey, Func<TLeft, TRight, TOut> function, JoinBounds bounds)
    : Operator<Side<TLeft, TRight>, TOut> where TKey : notnull
{
    public override string Kind => "join";

    public override Delegate Function => function;

    public override bool Remembers => true;

    public override StateShape Shape => new(Kind, typeof((TLeft, TRight)), 0)
    {
        Older = Kind,
        Parts = [typeof(TLeft), typeof(TRight)]
    };

    // It has no timer, but it asks for the time, which must not go back over restarts.
    public override bool IsTimed => bounds.Within is not null;

    public override Inlet<Side<TLeft, TRight>> Create(StageContext context, Inlet<TOut> next)
        => new BranchJoinStage<TLeft, TRight, TKey, TOut>(context, next, new(leftKey, rightKey), function, bounds);
}

/// <summary>The key functions of both sides.</summary>
internal sealed record JoinKeys<TLeft, TRight, TKey>(Func<TLeft, TKey> Left, Func<TRight, TKey> Right);

internal sealed class BranchJoinStage<TLeft, TRight, TKey, TOut>(
    StageContext context, Inlet<TOut> next, JoinKeys<TLeft, TRight, TKey> keys, Func<TLeft, TRight, TOut> function, JoinBounds bounds)
    : Stage<Side<TLeft, TRight>, TOut>(context, next), IStatefulPair where TKey : notnull
{
    private readonly JoinTable<TLeft, TKey> left = new("L/", keys.Left, bounds);
    private readonly JoinTable<TRight, TKey> right = new("R/", keys.Right, bounds);
    private readonly StateScope? scope = context.Scope;
    private readonly long start = context.Run.Time.GetTimestamp();

    // A run uses the monotonic clock; over restarts, only the time of day exists.
    private long Now => scope?.UtcNow.UtcTicks ?? Context.Run.Time.GetElapsedTime(start).Ticks;

    IStateful IStatefulPair.Left => left;

    IStateful IStatefulPair.Right => right;

    public override ValueTask PushAsync(Side<TLeft, TRight> item, Ticket? ticket) => item.IsLeft
        ? PushAsync(item.Left, left, right, function, ticket)
        : PushAsync(item.Right, right, left, (one, other) => function(other, one), ticket);

    protected override ValueTask OnCompleteAsync()
    {
        if (scope is not null) return Next.CompleteAsync();
        Context.Skipped += left.ForgetAll() + right.ForgetAll();
        return Next.CompleteAsync();
    }

    private ValueTask PushAsync<T, TOther>(T item, JoinTable<T, TKey> own, JoinTable<TOther, TKey> others, Func<T, TOther, TOut> make,
        Ticket? ticket)
    {
        Context.In++;
        Held<T> held;
        Queue<Held<TOther>>? partners;
        try
        {
            TKey key = own.KeyOf(item);
            long now = Now;
            Context.Skipped += left.ForgetOld(now) + right.ForgetOld(now);
            partners = others.Find(key);
            int forgotten = own.Hold(item, key, now, isStored: scope is not null, out held);
            Context.Skipped += forgotten;
            if (forgotten > 0) bounds.Warn(Context);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);  // of the key function, or of a key that is hashed or compared
        }
        if (partners is not null) return PairAsync(held, partners, make, ticket);
        ticket?.Settle(Outcome.Completed);           // held now: a pair is a root item of its own
        return default;
    }

    private async ValueTask PairAsync<T, TOther>(Held<T> held, Queue<Held<TOther>> partners, Func<T, TOther, TOut> make, Ticket? ticket)
    {
        held.HasMet = true;
        foreach (Held<TOther> partner in partners)
        {
            partner.HasMet = true;
            TOut pair;
            try
            {
                pair = make(held.Item, partner.Item);
            }
            catch (Exception e)
            {
                throw Context.Failure(e, held.Item, ticket);
            }
            await EmitAsync(pair, null);
            Context.Run.ThrowIfStopping();
        }
        ticket?.Settle(Outcome.Completed);
    }
}

/// <summary>The held items of one side of a join.</summary>
internal sealed class JoinTable<T, TKey>(string prefix, Func<T, TKey> keyOf, JoinBounds bounds) : IStateful where TKey : notnull
{
    private const int MaxDeleted = 200;

    private readonly HeldItems<T> byAge = new(prefix, MaxDeleted);
    private readonly Queue<TKey> keysByAge = new();
    private readonly Dictionary<TKey, Queue<Held<T>>> byKey = [];

    public TKey KeyOf(T item) => keyOf(item) ?? throw new InvalidOperationException("The key is null.");

    public Queue<Held<T>>? Find(TKey key) => byKey.GetValueOrDefault(key);

    /// <returns>The number of items that were dropped without a partner.</returns>
    public int Hold(T item, TKey key, long now, bool isStored, out Held<T> held)
    {
        Queue<Held<T>> same = Of(key);               // before anything is held: a key may fail to be found
        held = byAge.Add(item, now, isStored);
        Enter(key, same, held);
        return byAge.Count > bounds.MaxHeld ? ForgetOldest() : 0;
    }

    /// <inheritdoc cref="Hold"/>
    public int ForgetOld(long now)
    {
        if (bounds.Within is not { } within) return 0;
        int forgotten = 0;
        while (byAge.TryPeek(out Held<T>? oldest) && now - oldest.At >= within.Ticks) forgotten += ForgetOldest();
        return forgotten;
    }

    /// <inheritdoc cref="Hold"/>
    public int ForgetAll()
    {
        int forgotten = 0;
        while (byAge.Count > 0) forgotten += ForgetOldest();
        return forgotten;
    }

    /// <summary>Reads the held items. Items that were dropped may still be stored, and are dropped again.</summary>
    public void Restore(StateReader stored)
    {
        byAge.Restore(stored);
        foreach (Held<T> held in byAge.Items)
        {
            TKey key = KeyOf(held.Item);
            Enter(key, Of(key), held);
        }
        while (byAge.Count > bounds.MaxHeld) ForgetOldest();
    }

    public void Save(StateWriter changes) => byAge.Save(changes);

    private Queue<Held<T>> Of(TKey key)
    {
        if (!byKey.TryGetValue(key, out Queue<Held<T>>? same)) byKey.Add(key, same = new(1));
        return same;
    }

    private void Enter(TKey key, Queue<Held<T>> same, Held<T> held)
    {
        keysByAge.Enqueue(key);
        same.Enqueue(held);
    }

    /// <summary>Drops the oldest item of all, which is also the oldest of its key.</summary>
    private int ForgetOldest()
    {
        Held<T> oldest = byAge.Take();
        TKey key = keysByAge.Dequeue();
        Queue<Held<T>> same = byKey[key];
        same.Dequeue();
        if (same.Count == 0) byKey.Remove(key);
        return oldest.HasMet ? 0 : 1;
    }
}
