namespace Sluice;

/// <summary>The ticket of an item that is in no store: it carries the item, so that a failed one can be put into one.</summary>
internal sealed class LocalTicket<T>(LocalTickets<T> owner) : Ticket(isFollowed: true)
{
    private PartFailure? failures;

    public T Item { get; private set; } = default!;

    public PartFailure? Failures => failures;

    public override string Id => owner.IdOf(Sequence);

    public void Begin(T item, long sequence)
    {
        Item = item;
        Open(sequence);
    }

    public PartFailure? TakeFailures()
    {
        PartFailure? taken = failures;
        failures = null;
        return taken;
    }

    protected override void Keep(PartFailure failure)
    {
        PartFailure? seen = Volatile.Read(ref failures);
        while (true)
        {
            failure.Next = seen;
            PartFailure? found = Interlocked.CompareExchange(ref failures, failure, seen);
            if (ReferenceEquals(found, seen)) return;
            seen = found;
        }
    }

    protected override void OnSettled()
    {
        if (owner.WantsWake) owner.Wake();
    }
}

/// <summary>
/// The tickets of items under way, in a ring. An item that ends before its push returns leaves the ring where it is, and its ticket to the
/// next one; the others are swept by the pump, in order.
/// </summary>
/// <remarks>Used by the pump; tickets settle on any thread. A settle and the pump that is about to sleep meet by a process-wide barrier of the pump's, so that a settle costs no fence.</remarks>
internal sealed class LocalTickets<T>(ConsecutorCore core)
{
    private LocalTicket<T>[] slots = new LocalTicket<T>[64];
    private long head;
    private long tail;
    private long started;
    private bool wantsWake;
    private long completed, skipped, cancelled;

    /// <summary>Items that failed, and are to be tried again or kept.</summary>
    public Queue<(T Item, string Id, PartFailure Failures)> Failed { get; } = new();

    public bool WantsWake => Volatile.Read(ref wantsWake);

    public bool HasOutstanding => head != tail;

    /// <summary>The ticket for the next item.</summary>
    public LocalTicket<T> Hot => slots[head & (slots.Length - 1)] ??= new(this);

    public long NextNumber => started++;

    public string IdOf(long sequence) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{core.Name}/local/{sequence}");

    public void Wake() => core.Changed();

    /// <summary>The push of the hot ticket's item has returned.</summary>
    public LocalTicket<T> After(LocalTicket<T> ticket)
    {
        if (ticket.IsSettled)
        {
            Record(ticket);
            return ticket;
        }
        head++;
        if (head - tail == slots.Length)
        {
            SweepTail();
            if (head - tail > slots.Length / 2) Grow();
        }
        return Hot;
    }

    /// <summary>Counts items that completed at once.</summary>
    public void Completed(long count) => completed += count;

    /// <summary>Counts what has ended, in the books too.</summary>
    public void Sweep()
    {
        SweepTail();
        long ended = completed + skipped + cancelled;
        if (ended == 0) return;
        core.Books.SettleLocal(completed, skipped, cancelled);
        (completed, skipped, cancelled) = (0, 0, 0);
        core.End((int)ended);
    }

    /// <summary>From here on an end wakes the pump.</summary>
    /// <returns>Whether there is nothing to sweep.</returns>
    public bool PrepareSleep()
    {
        if (head == tail) return true;
        Volatile.Write(ref wantsWake, true);
        Interlocked.MemoryBarrierProcessWide();
        return !slots[tail & (slots.Length - 1)].IsSettled;
    }

    public void Awake() => Volatile.Write(ref wantsWake, false);

    private void SweepTail()
    {
        while (tail < head)
        {
            LocalTicket<T> ticket = slots[tail & (slots.Length - 1)];
            if (!ticket.IsSettled) return;
            Record(ticket);
            tail++;
        }
    }

    private void Record(LocalTicket<T> ticket)
    {
        switch (ticket.Outcome)
        {
            case Outcome.Completed: completed++; break;
            case Outcome.Skipped: skipped++; break;
            default:
                if (ticket.TakeFailures() is { } failures && core.Options.Delivery.Level is DeliveryLevel.Track or DeliveryLevel.Replay)
                    Failed.Enqueue((ticket.Item, ticket.Id, failures));
                else cancelled++;
                break;
        }
    }

    private void Grow()
    {
        var larger = new LocalTicket<T>[slots.Length * 2];
        for (long i = tail; i < head; i++) larger[i & (larger.Length - 1)] = slots[i & (slots.Length - 1)];
        slots = larger;
    }
}
