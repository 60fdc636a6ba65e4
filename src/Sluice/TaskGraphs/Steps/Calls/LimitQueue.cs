namespace Sluice;

/// <summary>
/// The bodies that need the same places: one of their step's, and one of each scope around the call that has a limit. Whoever gets them gets all at once, and holds none while it waits for
/// others: so nobody can wait for each other, and no place is idle that somebody could use.
/// </summary>
/// <remarks>
/// <para>First come, first served, in all lines together; those that have started before go first. But who needs several places goes when all of them are free: who needs only one of them may
/// overtake it, as often as they are not.</para>
/// <para>Locking rule: one lock for all places and lines of the process, as a place of one is needed in many. It is held for bookkeeping only: calls are released outside of it.</para>
/// </remarks>
internal sealed class LimitQueue(ConcurrencyLimit[] places)
{
    private const long Newcomer = 1L << 62;          // ranks behind all that return

    private static readonly Lock Sync = new();
    private static long tickets;

    private readonly Queue<(LimitPermit Seat, long Rank)> returning = new();
    private readonly Queue<(LimitPermit Seat, long Rank)> newcomers = new();
    private long rank;                               // of the first, while somebody waits

    public static IComparer<LimitQueue> ByRank { get; } = Comparer<LimitQueue>.Create(static (one, other) => one.rank.CompareTo(other.rank));

    public ReadOnlySpan<ConcurrencyLimit> Places => places;

    /// <returns>Whether they are there at once; if not, <see cref="LimitPermit.OnTaken"/> is called when they are.</returns>
    public bool TryTake(LimitPermit seat, bool isReturning)
    {
        lock (Sync)
        {
            if (TryTakeAll()) return true;
            bool isFirst = returning.Count + newcomers.Count == 0;
            long ticket = ++tickets;
            if (isReturning) returning.Enqueue((seat, ticket));
            else newcomers.Enqueue((seat, ticket + Newcomer));
            if (isFirst || (isReturning && returning.Count == 1)) Rank(isRanked: !isFirst);
            return false;
        }
    }

    /// <summary>Gives them back, to those who are waiting.</summary>
    public void Give(ref ReadyList released)
    {
        bool isGiven = false;
        while (true)
        {
            LimitPermit? next;
            lock (Sync)
            {
                if (!isGiven)
                    foreach (ConcurrencyLimit each in places) each.Free++;
                isGiven = true;
                next = TakeNext();
            }
            if (next is null) return;
            // Who was cancelled just now gives them to others. It is rare: those who are known to be cancelled do not get any.
            if (!next.OnTaken(ref released)) next.Line.Give(ref released);
        }
    }

    /// <summary>Whoever comes first of those that can go now.</summary>
    private LimitPermit? TakeNext()
    {
        foreach (ConcurrencyLimit each in places)
        {
            while (each.Free > 0 && FirstReady(each.Waiting) is { } line)
                if (line.Dequeue() is { } seat && line.TryTakeAll()) return seat;
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

    /// <summary>The first who still wants to go; those before have been cancelled. Null: nobody is left.</summary>
    private LimitPermit? Dequeue()
    {
        LimitPermit? seat = null;
        while (returning.TryDequeue(out (LimitPermit Seat, long Rank) first) || newcomers.TryDequeue(out first))
        {
            if (!first.Seat.IsWanted) continue;
            seat = first.Seat;
            break;
        }
        Rank(isRanked: true);
        return seat;
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

    /// <summary>Somebody else is the first now, or nobody.</summary>
    private void Rank(bool isRanked)
    {
        if (isRanked)
            foreach (ConcurrencyLimit each in places) each.Waiting.Remove(this);
        if (!returning.TryPeek(out (LimitPermit Seat, long Rank) first) && !newcomers.TryPeek(out first)) return;
        rank = first.Rank;
        foreach (ConcurrencyLimit each in places) each.Waiting.Add(this);
    }
}
