namespace Sluice.Delivery;

/// <summary>The accepted items of a consecutor without a store, in segments that producers fill. An item is accepted when it is in its
/// segment. It is announced to the pump, and counted, together with others, or at once if the pump is idle. A closed intake refuses
/// items; those that it has go through.</summary>
/// <remarks>Thread-safe. Locking rule: the lists of segments, and how much of each is announced and taken, are under <c>sync</c>; a segment
/// that is being filled belongs to the producer that rented it.</remarks>
internal sealed class LocalIntake<T>
{
    private const int MaxOfProducers = 16 * LocalSegment<T>.Length;

    private readonly ConsecutorStream stream;
    private readonly ItemLedger ledger;
    private readonly PumpSignal pump;
    private readonly PendingSends sends;
    private readonly ConsecutorLifetime lifetime;
    private readonly Lock sync;
    private readonly Queue<LocalSegment<T>> queue = new();
    private readonly List<LocalSegment<T>> filling = [];
    private readonly Stack<LocalSegment<T>> unfinished = new();
    private LocalSegment<T>? singles;                // single items are added to it
    private TaskCompletionSource? room;
    private long roomAt;                             // senders that wait for room go on when so few items wait
    private long waiting;
    private bool isClosed;
    private volatile bool isHungry;

    public LocalIntake(ConsecutorIdentity identity, ConsecutorStream stream, ItemLedger ledger, ItemsInFlight inFlight, PumpSignal pump,
        PendingSends sends, ConsecutorLifetime lifetime)
    {
        (this.stream, this.ledger, this.pump, this.sends, this.lifetime) = (stream, ledger, pump, sends, lifetime);
        Items = new(identity, ledger, inFlight, pump);
        sync = Items.Sync;
    }

    /// <summary>The items that the pump has taken and that have not ended.</summary>
    public LocalItems<T> Items { get; }

    /// <summary>Whether the pump is idle, or the intake is closed: then even a single item is announced at once.</summary>
    public bool IsHungry => isHungry;

    /// <summary>Whether items wait that are announced, as far as this thread can see. Takes no lock.</summary>
    public bool MayHaveItems => Volatile.Read(ref waiting) > 0;

    public bool HasItems
    {
        get { lock (sync) return AnnounceAll() || queue.Count > 0; }
    }

    /// <summary>Rents a segment to fill. The items that are already in it belong to other producers.</summary>
    public LocalSegment<T> Rent()
    {
        lock (sync)
        {
            LocalSegment<T> segment = unfinished.TryPop(out LocalSegment<T>? known) ? known : Items.RentSegment();
            if (!isClosed) filling.Add(segment);
            return segment;
        }
    }

    /// <summary>Returns a segment: another producer may fill the rest of it.</summary>
    public void Return(LocalSegment<T> segment)
    {
        lock (sync)
        {
            if (isClosed) return;
            Announce(segment);
            if (filling.Remove(segment)) unfinished.Push(segment);
        }
        pump.Changed();
    }

    /// <summary>Announces the items of a segment to the pump. Any thread.</summary>
    public void Flush(LocalSegment<T> segment)
    {
        lock (sync)
        {
            if (isClosed || !Announce(segment)) return;
        }
        pump.Changed();
    }

    /// <summary>Announces the items of a segment to the pump. Used by its producer.</summary>
    /// <returns>Null, or a task that the producer has to await before it adds more.</returns>
    /// <exception cref="InvalidOperationException">The intake was closed before the last item was in the segment.</exception>
    public Task? Publish(LocalSegment<T> segment)
    {
        Task? full;
        lock (sync)
        {
            if (isClosed && segment.Filled > segment.Announced)
            {
                segment.TakeBack();
                throw Refusal;
            }
            if (isClosed || !Announce(segment)) return null;
            full = Room(Math.Min(MaxOfProducers, stream.Options.MaxItems));
        }
        pump.Changed();
        return full;
    }

    /// <summary>Accepts one item, if the bound of the stream allows.</summary>
    /// <returns>Null if the item is accepted; otherwise a task to await before the next try.</returns>
    /// <exception cref="InvalidOperationException">The intake is closed.</exception>
    public Task? TryAdd(T item)
    {
        lock (sync)
        {
            if (isClosed) throw Refusal;
            if (Room(stream.Options.MaxItems) is { } full) return full;
            singles ??= Items.RentSegment();
            bool isFull = singles.Add(item);
            Announce(singles);
            if (isFull) singles = null;
        }
        pump.Changed();
        return null;
    }

    /// <summary>Accepts nothing from here on, and wakes the senders that wait for room. The consecutor has noted why before.</summary>
    public void Close()
    {
        TaskCompletionSource? freed;
        lock (sync)
        {
            isClosed = isHungry = true;              // from here on, producers check after each item
            AnnounceAll();
            filling.Clear();
            (freed, room, roomAt) = (room, null, 0);
        }
        freed?.TrySetResult();
        pump.Changed();
    }

    /// <summary>Awaits a task of <see cref="Publish"/> or <see cref="TryAdd"/>, and counts the sender as waiting.</summary>
    public async Task WaitAsync(Task full, CancellationToken cancellation)
    {
        sends.BeginWait();
        try
        {
            await full.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            sends.EndWait();
        }
    }

    /// <summary>Takes the announced items of the next segment. Used by the pump.</summary>
    public LocalSegment<T>? TryTake(out int from, out int to)
    {
        TaskCompletionSource? freed = null;
        LocalSegment<T>? segment;
        lock (sync)
        {
            from = to = 0;
            // Asked here, and not before: an item that is accepted after a pause waits for its end.
            if (!pump.MayBegin || !queue.TryDequeue(out segment)) return null;
            segment.IsQueued = false;
            (from, to) = (segment.Taken, segment.Announced);
            Items.Take(segment, from, to);
            waiting -= to - from;
            if (room is not null && waiting <= roomAt) (freed, room, roomAt) = (room, null, 0);
        }
        freed?.TrySetResult();
        return segment;
    }

    /// <summary>Notes that the pump is idle: from here on, items are announced at once.</summary>
    /// <returns>Whether no item waits.</returns>
    public bool PrepareSleep()
    {
        isHungry = true;
        lock (sync)
        {
            AnnounceAll();
            return queue.Count == 0;
        }
    }

    /// <summary>Brings the ledger up to date: counts every accepted and every ended item.</summary>
    public void Count()
    {
        bool isNews;
        lock (sync) isNews = AnnounceAll();
        if (isNews) pump.Changed();
        Items.Sweep();
    }

    /// <summary>Announces all segments that are being filled. Under the lock. Producers write an item and check for an idle pump without a
    /// fence in between, so this method has one process-wide barrier for all of them.</summary>
    private bool AnnounceAll()
    {
        if (filling.Count == 0) return false;
        Interlocked.MemoryBarrierProcessWide();
        bool isNews = false;
        for (int i = filling.Count - 1; i >= 0; i--) isNews |= Announce(filling[i]);
        return isNews;
    }

    /// <summary>Under the lock.</summary>
    private bool Announce(LocalSegment<T> segment)
    {
        int filled = segment.Filled, more = filled - segment.Announced;
        if (more == 0) return false;
        segment.Announced = filled;
        waiting += more;
        ledger.AcceptLocal(more);
        if (!segment.IsQueued) queue.Enqueue(segment);
        segment.IsQueued = true;
        if (filled == LocalSegment<T>.Length) filling.Remove(segment);
        isHungry = isClosed;
        return true;
    }

    private InvalidOperationException Refusal => stream.IsInputComplete && !lifetime.IsOver
        ? AppendAnswer.InputIsComplete(stream.Name, isStored: false) : lifetime.Over();

    /// <summary>Under the lock.</summary>
    private Task? Room(long most)
    {
        if (waiting < most) return null;
        roomAt = Math.Max(roomAt, most / 2);
        return (room ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }
}
