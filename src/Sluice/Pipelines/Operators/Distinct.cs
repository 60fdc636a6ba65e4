using Sluice.Pipelines;
using Sluice.Topologies;

namespace Sluice;

public static partial class SourceExtensions
{
    internal const int RememberedKeys = 65_536;

    /// <summary>Lets through items that it does not remember; the other items are counted as skipped.</summary>
    /// <remarks>Bounded: remembers the last <paramref name="capacity"/> different items, and forgets the one that came first, whether it
    /// came again or not. A forgotten item goes through again. The stage does not run in parallel and is not retried; behind
    /// <see cref="Stage.KeyBy"/>, every key has a memory of its own.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="capacity">The number of items remembered, 1 or more. With 1, an item goes through if it differs from the one before it.
    /// When the default number is used up, a warning is logged.</param>
    /// <param name="comparer">Compares items; by default, the default comparer of the type.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is less than 1.</exception>
    [AlsoForPipes]
    public static Source<T> Distinct<T>(this Source<T> source, int capacity = RememberedKeys, IEqualityComparer<T>? comparer = null)
        => NotNull(source).Then(new DistinctOperator<T, T>(static item => item, null, capacity, comparer));

    /// <summary>Lets through the first item of every key; the others are counted as skipped.</summary>
    /// <remarks>Bounded: remembers the last <paramref name="capacity"/> different keys, and forgets the one that came first, whether it
    /// came again or not. An item of a forgotten key goes through again. The stage does not run in parallel and is not retried; behind
    /// <see cref="Stage.KeyBy"/>, every key has a memory of its own.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="key">Returns the key of an item.</param>
    /// <param name="capacity">The number of keys remembered, 1 or more. When the default number is used up, a warning is logged.</param>
    /// <param name="comparer">Compares keys; by default, the default comparer of the type.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is less than 1.</exception>
    [AlsoForPipes]
    public static Source<T> DistinctBy<T, TKey>(
        this Source<T> source, Func<T, TKey> key, int capacity = RememberedKeys, IEqualityComparer<TKey>? comparer = null)
        => NotNull(source).Then(new DistinctOperator<T, TKey>(NotNull(key), key, capacity, comparer));
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
            $"A distinct behind Stage.KeyBy would remember {capacity:N0} items of each key, and in a consecutor they are one row, which "
                + $"is written anew with each of them. Give it a capacity of {DistinctNode<T, TKey>.MaxCapacity:N0} or less: "
                + $"Distinct(100).");

    public override StateShape Shape => new(Kind, typeof(TKey), 0);

    public override Inlet<T> Create(StageContext context, Inlet<T> next)
        => new DistinctStage<T, TKey>(context, next, key, capacity, comparer);
}

internal sealed class DistinctStage<T, TKey>(StageContext context, Inlet<T> next, Func<T, TKey> key, int capacity,
    IEqualityComparer<TKey>? comparer)
    : Stage<T, T>(context, next), IStateful
{
    private readonly HashSet<TKey> known = new(comparer);
    private readonly Queue<TKey> oldest = new();
    private List<TKey>? unsaved;                     // the last of them: what is not stored; null if nothing is
    private long forgotten;                          // the number of forgotten entries: it numbers the rows of the queue
    private long first;                              // first stored row
    private long end;                                // end of the stored rows
    private bool hasTold;

    public void Restore(StateReader stored)
    {
        unsaved = [];
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
        end = forgotten + oldest.Count;
        int count = Math.Min(unsaved!.Count, oldest.Count);       // the others were forgotten before they were stored
        for (int i = 0; i < count; i++) changes.Put(Row(end - count + i), unsaved[unsaved.Count - count + i]);
        unsaved.Clear();
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
            unsaved?.Add(itsKey);
            Forget();
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return EmitAsync(item, ticket);
    }

    // One key for the new one. If the capacity was larger when they were stored, another one: all at once might not fit into a commit.
    private void Forget()
    {
        for (int i = 0; i < 2 && oldest.Count > capacity; i++)
        {
            known.Remove(oldest.Dequeue());
            forgotten++;
        }
        if (forgotten == 0 || hasTold || capacity != SourceExtensions.RememberedKeys) return;
        hasTold = true;
        Context.Run.WarnOnce(Node, static name => $"'{name}' remembers {SourceExtensions.RememberedKeys:N0} keys, and there are more: the "
            + "key that came first is forgotten, and goes through when it comes again. If that is not meant, give a larger capacity.");
    }
}
