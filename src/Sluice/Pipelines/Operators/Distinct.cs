using System.Globalization;

namespace Sluice;

public static partial class Operators
{
    private const int RememberedKeys = 65_536;

    /// <summary>Lets through the items that were not seen before; the others are counted as skipped.</summary>
    /// <remarks>
    /// Bounded: remembers the last <paramref name="capacity"/> different items, and forgets those first that came first, whether they
    /// were seen again or not; a forgotten item goes through again. It does not run in parallel and is not retried; behind
    /// <see cref="Stage.KeyBy"/>, every key has a memory of its own.
    /// </remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="capacity">How many items it remembers: 1 or more.</param>
    /// <param name="comparer">What is the same; the default of the type unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">A capacity less than 1.</exception>
    public static Source<T> Distinct<T>(this Source<T> source, int capacity = RememberedKeys, IEqualityComparer<T>? comparer = null)
        => NotNull(source).Then(new DistinctOperator<T, T>(static item => item, null, capacity, comparer));

    /// <inheritdoc cref="Distinct{T}(Source{T}, int, IEqualityComparer{T})"/>
    public static Pipe<TIn, T> Distinct<TIn, T>(this Pipe<TIn, T> pipe, int capacity = RememberedKeys, IEqualityComparer<T>? comparer = null)
        => NotNull(pipe).Then(new DistinctOperator<T, T>(static item => item, null, capacity, comparer));

    /// <summary>Lets through the first item of every key; the others are counted as skipped.</summary>
    /// <remarks>
    /// Bounded: remembers the last <paramref name="capacity"/> different keys, and forgets those first that came first, whether they
    /// were seen again or not; an item of a forgotten key goes through again. It does not run in parallel and is not retried; behind
    /// <see cref="Stage.KeyBy"/>, every key has a memory of its own.
    /// </remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="key">The key of an item.</param>
    /// <param name="capacity">How many keys it remembers: 1 or more.</param>
    /// <param name="comparer">Which keys are the same; the default of the type unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">A capacity less than 1.</exception>
    public static Source<T> DistinctBy<T, TKey>(
        this Source<T> source, Func<T, TKey> key, int capacity = RememberedKeys, IEqualityComparer<TKey>? comparer = null)
        => NotNull(source).Then(new DistinctOperator<T, TKey>(NotNull(key), key, capacity, comparer));

    /// <inheritdoc cref="DistinctBy{T, TKey}(Source{T}, Func{T, TKey}, int, IEqualityComparer{TKey})"/>
    public static Pipe<TIn, T> DistinctBy<TIn, T, TKey>(
        this Pipe<TIn, T> pipe, Func<T, TKey> key, int capacity = RememberedKeys, IEqualityComparer<TKey>? comparer = null)
        => NotNull(pipe).Then(new DistinctOperator<T, TKey>(NotNull(key), key, capacity, comparer));
}

internal sealed class DistinctOperator<T, TKey> : Operator<T, T>
{
    private readonly Func<T, TKey> key;
    private readonly int capacity;
    private readonly IEqualityComparer<TKey>? comparer;

    public DistinctOperator(Func<T, TKey> key, Delegate? original, int capacity, IEqualityComparer<TKey>? comparer)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        (this.key, Function, this.capacity, this.comparer) = (key, original, capacity, comparer);
    }

    public override string Kind => "distinct";

    public override Delegate? Function { get; }

    public override string Stateful => "remembers what it has seen";

    public override bool Remembers => true;

    public override Operator<T, T> StoredByKey => capacity <= DistinctNode<T, TKey>.MaxCapacity
        ? new StoredByKeyOperator<T, T>(this, () => new DistinctNode<T, TKey>(key, capacity, comparer ?? EqualityComparer<TKey>.Default))
        : throw new InvalidTopologyException(
            $"A distinct behind Stage.KeyBy would remember {capacity:N0} items of each key, and in a consecutor they are one row, which is written anew with each of them. Give it a capacity of {DistinctNode<T, TKey>.MaxCapacity:N0} or less: Distinct(100).");

    public override StateShape Shape => new(Kind, typeof(TKey), 0);

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new DistinctStage<T, TKey>(context, next, key, capacity, comparer);
}

internal sealed class DistinctStage<T, TKey>(StageContext context, Inlet<T> next, Func<T, TKey> key, int capacity, IEqualityComparer<TKey>? comparer)
    : Stage<T, T>(context, next), IStateful
{
    private readonly HashSet<TKey> known = new(comparer);
    private readonly Queue<TKey> oldest = new();
    private long forgotten;                          // how many were, so that what is in the queue has numbers: its rows
    private long first;                              // as it is stored: from here
    private long end;                                // to here

    public void Restore(StateReader stored)
    {
        foreach (string row in stored.Keys)
        {
            TKey key = stored.Get<TKey>(row);
            if (oldest.Count == 0) first = end = forgotten = long.Parse(row, CultureInfo.InvariantCulture);
            known.Add(key);
            oldest.Enqueue(key);
            end++;
        }
    }

    public void Save(StateWriter changes)
    {
        for (; first < Math.Min(forgotten, end); first++) changes.Delete(Row(first));
        first = forgotten;
        long number = forgotten;
        foreach (TKey key in oldest)
            if (number++ >= end) changes.Put(Row(number - 1), key);
        end = forgotten + oldest.Count;
    }

    private static string Row(long number) => number.ToString("D19", CultureInfo.InvariantCulture);

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        try
        {
            TKey itsKey = key(item);
            if (!known.Add(itsKey)) return Skip(ticket);
            oldest.Enqueue(itsKey);
            if (oldest.Count > capacity)
            {
                known.Remove(oldest.Dequeue());
                forgotten++;
            }
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return EmitAsync(item, ticket);
    }
}
