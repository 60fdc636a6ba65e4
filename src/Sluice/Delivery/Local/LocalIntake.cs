namespace Sluice;

/// <summary>
/// Where accepted items wait in a consecutor without a store: in segments, which producers fill. An item is accepted when it is in its segment; it is
/// announced to the pump, and counted, with others, or at once if the pump has nothing else to do.
/// </summary>
/// <remarks>Thread-safe. Locking rule: which segment is where, and what is announced and taken of it, under <c>sync</c>; a segment that is being filled belongs to whoever rented it.</remarks>
internal sealed class LocalIntake<T>
{
    private const int MaxOfProducers = 16 * LocalSegment<T>.Length;

    private readonly ConsecutorCore core;
    private readonly Lock sync;
    private readonly Queue<LocalSegment<T>> queue = new();
    private readonly List<LocalSegment<T>> filling = [];
    private readonly Stack<LocalSegment<T>> unfinished = new();
    private LocalSegment<T>? singles;                // single items are added to it
    private TaskCompletionSource? room;
    private long roomAt;                             // how few may be waiting when somebody waits for room
    private long waiting;
    private volatile bool isHungry;

    public LocalIntake(ConsecutorCore core)
    {
        this.core = core;
        Items = new(core);
        sync = Items.Sync;
    }

    /// <summary>What has been taken and has not ended.</summary>
    public LocalItems<T> Items { get; }

    /// <summary>Whether the pump has nothing to do: then what is at hand is announced, however little.</summary>
    public bool IsHungry => isHungry;

    public bool HasItems
    {
        get { lock (sync) return AnnounceAll() || queue.Count > 0; }
    }

    /// <summary>A segment to fill; what is in it belongs to somebody else.</summary>
    public LocalSegment<T> Rent()
    {
        lock (sync)
        {
            LocalSegment<T> segment = unfinished.TryPop(out LocalSegment<T>? known) ? known : Items.RentSegment();
            filling.Add(segment);
            return segment;
        }
    }

    /// <summary>Somebody else may fill the rest of it.</summary>
    public void Return(LocalSegment<T> segment)
    {
        lock (sync)
        {
            Announce(segment);
            if (filling.Remove(segment)) unfinished.Push(segment);
        }
        core.Changed();
    }

    /// <summary>What is in the segment may be taken. Any thread.</summary>
    /// <returns>Null, or what a producer is to wait for.</returns>
    public Task? Publish(LocalSegment<T> segment)
    {
        Task? full;
        lock (sync)
        {
            if (!Announce(segment)) return null;
            full = Room(Math.Min(MaxOfProducers, core.Stream.MaxItems));
        }
        core.Changed();
        return full;
    }

    /// <summary>Accepts one item, if the bound allows.</summary>
    /// <returns>Null if it is accepted; else what to wait for.</returns>
    public Task? TryAdd(T item)
    {
        lock (sync)
        {
            if (Room(core.Stream.MaxItems) is { } full) return full;
            singles ??= Items.RentSegment();
            bool isFull = singles.Add(item);
            Announce(singles);
            if (isFull) singles = null;
        }
        core.Changed();
        return null;
    }

    /// <summary>Waits for what <see cref="Publish"/> or <see cref="TryAdd"/> said, as one who is known to wait.</summary>
    public async Task WaitAsync(Task full, CancellationToken cancellation)
    {
        core.Sends.BeginWait();
        try
        {
            await full.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            core.Sends.EndWait();
        }
    }

    /// <summary>The pump's: takes what there is of a segment.</summary>
    public LocalSegment<T>? TryTake(out int from, out int to)
    {
        TaskCompletionSource? freed = null;
        LocalSegment<T>? segment;
        lock (sync)
        {
            from = to = 0;
            if (!queue.TryDequeue(out segment)) return null;
            segment.IsQueued = false;
            (from, to) = (segment.Taken, segment.Announced);
            if (from == 0) Items.Start(segment);
            segment.Taken = to;
            waiting -= to - from;
            if (room is not null && waiting <= roomAt) (freed, room, roomAt) = (room, null, 0);
        }
        freed?.TrySetResult();
        return segment;
    }

    /// <summary>The pump has nothing to do: from here on what comes is announced.</summary>
    /// <returns>Whether there is nothing.</returns>
    public bool PrepareSleep()
    {
        isHungry = true;
        lock (sync)
        {
            AnnounceAll();
            return queue.Count == 0;
        }
    }

    /// <summary>Counts in the books what is here, to the last item.</summary>
    public void Count()
    {
        bool isNews;
        lock (sync) isNews = AnnounceAll();
        if (isNews) core.Changed();
        Items.Sweep();
    }

    /// <summary>Under the lock. Producers write, and look whether the pump is hungry, without a fence in between; so there is one here for all.</summary>
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
        core.Books.AcceptLocal(more);
        if (!segment.IsQueued) queue.Enqueue(segment);
        segment.IsQueued = true;
        if (filled == LocalSegment<T>.Length) filling.Remove(segment);
        isHungry = false;
        return true;
    }

    /// <summary>Under the lock.</summary>
    private Task? Room(long most)
    {
        if (waiting < most) return null;
        roomAt = Math.Max(roomAt, most / 2);
        return (room ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }
}
