using Sluice.Policies;

namespace Sluice.Pipelines;

/// <summary>The limits of a chunk: it is full when it reaches one of them.</summary>
internal sealed class ChunkLimits<T>
{
    private const int LargestChunk = 65_536;

    public ChunkLimits(int? count, TimeSpan? within, Func<T, long>? weigh, long? maxWeight, Func<T, bool>? until)
    {
        if (count is { } items) ArgumentOutOfRangeException.ThrowIfLessThan(items, 1, nameof(count));
        if (within is { } time) Waits.CheckPositive(time, nameof(within));
        if (maxWeight is { } weight) ArgumentOutOfRangeException.ThrowIfLessThan(weight, 1, nameof(maxWeight));
        if (weigh is null != maxWeight is null)
            throw new ArgumentException("A limit by weight needs both: `weigh`, the weight of an item, and `maxWeight`, that of a chunk.",
                weigh is null ? nameof(weigh) : nameof(maxWeight));
        if (count is null && within is null && weigh is null && until is null)
            throw new ArgumentException("A chunk needs a limit: `count`, `within`, `weigh` with `maxWeight`, or `until`.", nameof(count));
        (Count, Within, Weigh, MaxWeight, Until) = (count ?? LargestChunk, within, weigh, maxWeight ?? 0, until);
    }

    public int Count { get; }

    public TimeSpan? Within { get; }

    public Func<T, long>? Weigh { get; }

    public long MaxWeight { get; }

    public Func<T, bool>? Until { get; }

    /// <summary>The weight of an item; zero without a limit by weight.</summary>
    /// <exception cref="InvalidOperationException">It is negative.</exception>
    public long WeightOf(T item)
    {
        long weight = Weigh?.Invoke(item) ?? 0;
        return weight >= 0 ? weight : throw new InvalidOperationException($"the weight of an item must not be negative, and is {weight}");
    }
}

/// <summary>The open chunk. User code runs before any change, so that an item that fails leaves no trace.</summary>
internal sealed class ChunkBuffer<T>(ChunkLimits<T> limits, StateScope? scope)
{
    private readonly bool isCounted = limits is { Weigh: null, Until: null };
    private T[] items = new T[Math.Min(limits.Count, 16)];
    private RememberedList? stored;
    private long weight;
    private int cut;                                 // chunks of stored items since the last commit

    public int Count { get; private set; }

    /// <summary>Whether the next commit has chunks to put out, or rows of chunks to delete, that this one did not take.</summary>
    public bool HasMoreToEnd => IsOverfull || stored?.Gone > StateWriter.MaxSpareRows;

    /// <summary>Reads the stored items of the open chunk.</summary>
    public void Restore(StateReader from)
    {
        stored = new();
        List<T> known = stored.Restore<T>(from);
        items = new T[Math.Max(known.Count, Math.Min(limits.Count, 16))];
        known.CopyTo(items);
        Count = known.Count;
        weight = limits.Weigh is { } weigh ? known.Sum(weigh) : 0;
    }

    public void Save(StateWriter changes)
    {
        cut = 0;
        stored!.Save<T>(changes, items.AsSpan(0, Count));
    }

    /// <summary>Whether the stored items fill a chunk already: they were stored under a larger limit.</summary>
    public bool IsOverfull => Count >= limits.Count;

    /// <summary>Cuts a chunk off the first items, if it is <see cref="IsOverfull"/> and the commit takes one more.</summary>
    public bool TryCutFirst(out T[] chunk)
    {
        chunk = [];
        if (!IsOverfull || cut >= scope?.MaxEmissions) return false;
        cut++;
        chunk = items[..limits.Count];
        T[] rest = items[limits.Count..Count];
        _ = Cut();
        rest.CopyTo(items, 0);
        Count = rest.Length;
        weight = limits.Weigh is { } weigh ? rest.Sum(weigh) : 0;
        return true;
    }

    /// <summary>Adds an item if only the number of items counts, it is not the last one of its chunk, and there is room for it.</summary>
    public bool TryAdd(T item)
    {
        T[] into = items;
        int count = Count;
        if (!isCounted || count + 1 >= limits.Count || (uint)count >= (uint)into.Length) return false;
        into[count] = item;
        Count = count + 1;
        return true;
    }

    /// <summary>Adds an item, and settles its ticket: a chunk is a root item of its own. If the buffer is <see cref="IsOverfull"/>, the
    /// item ends no chunk: those in front of it come first.</summary>
    /// <param name="context">The stage, which user code fails.</param>
    /// <param name="item">The item.</param>
    /// <param name="ticket">Its ticket.</param>
    /// <param name="before">The chunk that is put out before the item, because the item would make it too heavy; null if there is
    /// none.</param>
    /// <returns>The chunk that ends with the item; null if it stays open.</returns>
    public T[]? Add(StageContext context, T item, Ticket? ticket, out T[]? before)
    {
        long itsWeight;
        bool isLast;
        try
        {
            itsWeight = limits.WeightOf(item);
            isLast = limits.Until?.Invoke(item) ?? false;
        }
        catch (Exception e)
        {
            throw context.Failure(e, item, ticket);
        }

        // Subtraction, because a sum may overflow: the open chunk weighs less than the limit.
        bool isBehind = IsOverfull;
        before = !isBehind && limits.Weigh is not null && Count > 0 && itsWeight > limits.MaxWeight - weight ? Cut() : null;
        if (Count == items.Length) Array.Resize(ref items, (int)Math.Min((uint)Math.Max(limits.Count, Count + 1), (uint)items.Length * 2));
        items[Count++] = item;
        weight += itsWeight;
        ticket?.Settle(Outcome.Completed);
        bool isFull = isLast || Count == limits.Count || (limits.Weigh is not null && weight >= limits.MaxWeight);
        return isFull && !isBehind ? Cut() : null;
    }

    public T[] Cut()
    {
        stored?.Clear();
        T[] chunk = items;
        if (Count == items.Length)
        {
            items = new T[items.Length];                         // the array itself is the chunk
        }
        else
        {
            chunk = items[..Count];
            Array.Clear(items, 0, Count);
        }
        Count = 0;
        weight = 0;
        return chunk;
    }
}
