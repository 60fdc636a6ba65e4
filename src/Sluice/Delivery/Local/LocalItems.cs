using System.Collections.Concurrent;

namespace Sluice.Delivery;

/// <summary>The items in flight of a consecutor without a store. Segments count the ends of their items; a sweep adds new ends to the
/// ledger.</summary>
/// <remarks>Thread-safe. Locking rule: the list of segments, and how much of each is swept, are under <see cref="Sync"/>, which is also the
/// lock of the intake; unused tickets have their own lock.</remarks>
internal sealed class LocalItems<T>(ConsecutorIdentity identity, ItemLedger ledger, ItemsInFlight inFlight, PumpSignal pump) : NumberedItems
{
    private const int Spare = 64;                    // unused segments that keep their memory

    private readonly List<LocalSegment<T>> started = [];
    private readonly Stack<LocalSegment<T>> unused = new();
    private readonly Lock renting = new();
    private readonly Stack<IslandTicket<T>> tickets = new();
    private LocalSegment<T>[] segments = new LocalSegment<T>[16];   // by slot; replaced by a larger array
    private int slots;
    private long arrived;
    private bool wantsWake;
    private int failing;

    public Lock Sync { get; } = new();

    /// <summary>The failed items that are to be retried, divided or kept.</summary>
    public ConcurrentQueue<(T Item, string Id, PartFailure Failures)> Failed { get; } = new();

    /// <summary>The number of failed items that are not stored yet. They are in flight, and have ended in the pipeline.</summary>
    public int Failing => Volatile.Read(ref failing);

    /// <summary>A failed item is stored. Called before it ends to be in flight.</summary>
    public void Store() => Interlocked.Decrement(ref failing);

    public string IdOf(long sequence) => string.Create(CultureInfo.InvariantCulture, $"{identity.Name}/local/{sequence}");

    /// <summary>Returns an empty segment. Under the lock.</summary>
    public LocalSegment<T> RentSegment()
    {
        if (!unused.TryPop(out LocalSegment<T>? segment))
        {
            if (slots == segments.Length)
            {
                var more = new LocalSegment<T>[slots * 2];
                segments.CopyTo(more, 0);
                Volatile.Write(ref segments, more);
            }
            segment = segments[slots] = new(slots);
            slots++;
        }
        segment.Prepare(arrived);
        arrived += LocalSegment<T>.Length;
        return segment;
    }

    /// <summary>Hands items of a segment to the pump. They are in flight at once: a stop that finds none waiting counts them. Under the
    /// lock.</summary>
    public void Take(LocalSegment<T> segment, int from, int to)
    {
        if (from == 0) started.Add(segment);
        segment.Taken = to;
        inFlight.Begin(to - from);
    }

    public void Return(IslandTicket<T> ticket)
    {
        lock (renting) tickets.Push(ticket);
    }

    public override Ticket TicketOf(int number, ref Ticket? own)
    {
        (int slot, int index) = LocalSegment<T>.Find(number);
        var ticket = (IslandTicket<T>?)own;
        if (ticket is null || !ticket.TryReuse()) own = ticket = RentTicket();
        ticket.Begin(Volatile.Read(ref segments)[slot], index);
        return ticket;
    }

    public override Ticket TicketOf(int number)
    {
        (int slot, int index) = LocalSegment<T>.Find(number);
        IslandTicket<T> ticket = RentTicket();
        ticket.Begin(Volatile.Read(ref segments)[slot], index);
        ticket.GiveAway();
        return ticket;
    }

    private IslandTicket<T> RentTicket()
    {
        lock (renting)
        {
            if (tickets.TryPop(out IslandTicket<T>? ticket)) return ticket;
        }
        return new(this);
    }

    public override void Complete(ReadOnlySpan<int> numbers)
    {
        int slot = -1, count = 0;
        foreach (int number in numbers)
        {
            if (number == 0) continue;
            int of = (number - 1) >> LocalSegment<T>.Bits;
            if (of != slot)
            {
                CompleteIn(slot, count);
                (slot, count) = (of, 0);
            }
            count++;
        }
        CompleteIn(slot, count);
    }

    // Consecutive numbers belong to one segment.
    public override void Complete(int first, int count) => CompleteIn((first - 1) >> LocalSegment<T>.Bits, count);

    private void CompleteIn(int slot, int count)
    {
        if (count > 0) Complete(Volatile.Read(ref segments)[slot], count);
    }

    public void Complete(LocalSegment<T> segment, int count)
    {
        if (count > 0) Ended(segment, segment.End(LocalSegment<T>.Lane.Completed, count));
    }

    /// <summary>Counts the end of an item by its ticket. The ticket is not reused before this method returns.</summary>
    public void End(LocalTicket<T> ticket)
    {
        LocalSegment<T>.Lane lane = ticket.Outcome switch
        {
            Outcome.Completed => LocalSegment<T>.Lane.Completed,
            Outcome.Skipped => LocalSegment<T>.Lane.Skipped,
            _ => LocalSegment<T>.Lane.Cancelled,
        };
        if (ticket.TakeFailures() is { } failures && (identity.Options.Delivery.Level is DeliveryLevel.Track or DeliveryLevel.Replay
            || failures.IsDivisible))
        {
            lane = LocalSegment<T>.Lane.Failed;
            Interlocked.Increment(ref failing);
            Failed.Enqueue((ticket.Item, ticket.Id, failures));
        }
        Ended(ticket.Segment, ticket.Segment.End(lane, 1));
    }

    /// <summary>Wakes the pump if a failed item is to be stored, or if no item of the segment is in flight.</summary>
    private void Ended(LocalSegment<T> segment, LocalSegment<T>.Ends ends)
    {
        if (Volatile.Read(ref wantsWake) && (ends[LocalSegment<T>.Lane.Failed] > 0 || ends.Sum >= segment.Taken)) pump.Changed();
    }

    /// <summary>Wakes the pump after the end of an item that had taken a ticket of the pump along.</summary>
    public void WakeForTicket()
    {
        if (Volatile.Read(ref wantsWake)) pump.Changed();
    }

    /// <summary>Lets the pump be woken from here on. The pump looks for work once more after this call.</summary>
    /// <param name="hasTickets">Whether items have taken tickets of the pump along. Settling such a ticket is no fence, so a process-wide
    /// barrier is needed.</param>
    public void PrepareSleep(bool hasTickets)
    {
        Volatile.Write(ref wantsWake, true);
        if (hasTickets) Interlocked.MemoryBarrierProcessWide();
        else Interlocked.MemoryBarrier();
    }

    public void Awake() => Volatile.Write(ref wantsWake, false);

    /// <summary>Adds the ended items to the ledger and releases their memory.</summary>
    public void Sweep()
    {
        lock (Sync)
        {
            long completed = 0, skipped = 0, cancelled = 0;
            for (int i = started.Count - 1; i >= 0; i--)
            {
                LocalSegment<T> segment = started[i];
                LocalSegment<T>.Ends ends = segment.Ended, before = segment.Swept;
                if (ends == before) continue;
                completed += ends[LocalSegment<T>.Lane.Completed] - before[LocalSegment<T>.Lane.Completed];
                skipped += ends[LocalSegment<T>.Lane.Skipped] - before[LocalSegment<T>.Lane.Skipped];
                cancelled += ends[LocalSegment<T>.Lane.Cancelled] - before[LocalSegment<T>.Lane.Cancelled];
                segment.Swept = ends;
                int sum = ends.Sum;
                if (sum == segment.Taken) segment.Clear(sum);
                if (sum < LocalSegment<T>.Length) continue;
                started.RemoveAt(i);
                segment.Reset(keepsMemory: unused.Count < Spare);
                unused.Push(segment);
            }
            int ended = (int)(completed + skipped + cancelled);
            if (ended == 0) return;
            ledger.SettleLocal(completed, skipped, cancelled);
            inFlight.End(ended);
        }
    }
}
