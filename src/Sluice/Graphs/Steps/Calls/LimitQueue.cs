namespace Sluice.Graphs;

/// <summary>The queue of bodies that need the same limits: their step's, and those of the scopes around the call.</summary>
/// <remarks>
/// <para>A body gets all its permits at once, and holds none while it waits for others. So bodies cannot deadlock, and no permit is idle
/// that a body could use.</para>
/// <para>First come, first served, across all queues; bodies that have started before go first. A body that needs several limits waits
/// until all have free permits; one that needs fewer may overtake it.</para>
/// <para>Locking rule: one lock for all limits and queues of the process, because queues share limits. It guards bookkeeping only; calls
/// are released outside of it.</para>
/// </remarks>
internal sealed class LimitQueue(ConcurrencyLimit[] places)
{
    private const long Newcomer = 1L << 62;          // ranks after all that return

    private static readonly Lock Sync = new();
    private static long tickets;

    private readonly Queue<(LimitPermit Permit, long Rank)> returning = new();
    private readonly Queue<(LimitPermit Permit, long Rank)> newcomers = new();
    private long rank;                               // of its first body, while one waits

    public static IComparer<LimitQueue> ByRank { get; } =
        Comparer<LimitQueue>.Create(static (one, other) => one.rank.CompareTo(other.rank));

    public ReadOnlySpan<ConcurrencyLimit> Places => places;

    /// <returns>Whether the permits are free now; if not, <see cref="LimitPermit.OnTaken"/> is called when they are.</returns>
    public bool TryTake(LimitPermit permit, bool isReturning)
    {
        lock (Sync)
        {
            if (TryTakeAll()) return true;
            bool isFirst = returning.Count + newcomers.Count == 0;
            long ticket = ++tickets;
            if (isReturning) returning.Enqueue((permit, ticket));
            else newcomers.Enqueue((permit, ticket + Newcomer));
            if (isFirst || (isReturning && returning.Count == 1)) Rank(isRanked: !isFirst);
            return false;
        }
    }

    /// <summary>Returns permits, and passes them on to waiting bodies.</summary>
    public void Give(ref ReadyList released)
    {
        LimitQueue line = this;
        Stack<LimitQueue>? others = null;            // whose permits are free: each may have limits that no other one has
        bool isGiven = false;
        while (true)
        {
            LimitPermit? next;
            lock (Sync)
            {
                if (!isGiven)
                    foreach (ConcurrencyLimit each in line.Places) each.Free++;
                isGiven = true;
                next = line.TakeNext();
            }
            if (next is null)
            {
                if (others is null || !others.TryPop(out LimitQueue? other)) return;
                line = other;
            }
            // A body passes its permits on if it was cancelled meanwhile, or waits again. Thousands in a row may do so: no recursion.
            else if (!next.OnTaken(ref released))
            {
                if (!ReferenceEquals(next.Line, line)) (others ??= []).Push(line);
                (line, isGiven) = (next.Line, false);
            }
        }
    }

    /// <summary>Takes the first body, by rank, that can go now.</summary>
    private LimitPermit? TakeNext()
    {
        foreach (ConcurrencyLimit each in places)
        {
            while (each.Free > 0 && FirstReady(each.Waiting) is { } line)
                if (line.Dequeue() is { } permit && line.TryTakeAll()) return permit;
        }
        return null;
    }

    private static LimitQueue? FirstReady(SortedSet<LimitQueue> waiting)
    {
        if (waiting.Min is not { } first || first.IsFree) return waiting.Min;
        foreach (LimitQueue line in waiting)
            if (line.IsFree) return line;
        return null;
    }

    /// <summary>Removes the first body that still needs its permits; null if none is left.</summary>
    private LimitPermit? Dequeue()
    {
        LimitPermit? permit = null;
        while (returning.TryDequeue(out (LimitPermit Permit, long Rank) first) || newcomers.TryDequeue(out first))
        {
            if (!first.Permit.IsWanted) continue;
            permit = first.Permit;
            break;
        }
        Rank(isRanked: true);
        return permit;
    }

    private bool IsFree
    {
        get
        {
            foreach (ConcurrencyLimit each in places)
                if (each.Free == 0) return false;
            return true;
        }
    }

    private bool TryTakeAll()
    {
        if (!IsFree) return false;
        foreach (ConcurrencyLimit each in places) each.Free--;
        return true;
    }

    /// <summary>Updates the rank of the queue to that of its first body, if there is one.</summary>
    private void Rank(bool isRanked)
    {
        if (isRanked)
            foreach (ConcurrencyLimit each in places) each.Waiting.Remove(this);
        if (!returning.TryPeek(out (LimitPermit Permit, long Rank) first) && !newcomers.TryPeek(out first)) return;
        rank = first.Rank;
        foreach (ConcurrencyLimit each in places) each.Waiting.Add(this);
    }
}
