using System.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>The producing half of an asynchronous boundary: it fills a ring that another island empties.</summary>
/// <remarks>
/// Items are announced to the consumer in batches: when a batch is full, when the producer is about to wait (<see cref="Flush"/>), or
/// by the <see cref="Watchdog"/> when user code holds up the producer. The measured rate sizes a batch to about 20 µs of work:
/// many items need few wake-ups, and few items do not wait long. After an idle moment the next item wakes the consumer at once.
/// </remarks>
internal sealed class Boundary<T> : Inlet<T>, IBoundary, IUpstream, ITakesFollowed<T>
{
    private const int LargestBatch = 1024;
    private static readonly long BatchTicks = Stopwatch.Frequency / 50_000;         // 20 µs

    private readonly PipelineRun run;
    private readonly Ring<T> ring;
    private readonly Waiter consumer;
    private readonly Waiter room;
    private PaddedIndex untilWake;                   // written for every item, so on a cache line of its own
    private int batch = 1;
    private long lastWake;
    private bool completed;
    private T? waitingItem;
    private Ticket? waitingTicket;
    private volatile bool holdsUnannounced;
    private readonly BlockedClock blocked;

    public Boundary(PipelineRun run, Ring<T> ring, Waiter consumer, int node)
    {
        (this.run, this.ring, this.consumer, Node) = (run, ring, consumer, node);
        blocked = new(run.Time);
        room = new Waiter(run.Scheduler, AddWaiting);
        run.Boundaries.Add(this);
    }

    /// <summary>The waiter that the consumer wakes when there is room.</summary>
    public Waiter Room => room;

    public int Count => ring.Count;

    public bool IsCompleted => Volatile.Read(ref completed);

    public bool IsBlocked => room.IsArmed;

    public bool HoldsUnannounced => holdsUnannounced;

    public TimeSpan BlockedTime => blocked.Time;

    public int From { get; private set; } = -1;

    public override bool HandsOn => true;

    public override void ComesFrom(int from) => From = from;

    public override ValueTask PushAsync(T item, Ticket? ticket) => TryPush(item, ticket) ? default : WaitForRoomAsync(item, ticket);

    /// <summary>Pushes the item if there is room.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPush(T item, Ticket? ticket)
    {
        if (!ring.TryAdd(item, ticket)) return false;
        if (--untilWake.Value <= 0) Announce();
        return true;
    }

    /// <summary>
    /// Free places for several items, at most up to the next announcement; may be empty. Then call <see cref="Show"/> for each item, and
    /// <see cref="Added"/> once.
    /// </summary>
    public Span<T> Free(int most) => ring.Free((int)Math.Min(most, Math.Max(1, untilWake.Value)));

    public void Follow(in ItemRefs followed, int count) => ring.Follow(followed, count);

    public void Unfollow(int place, int count) => ring.Unfollow(place, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Show(int count) => ring.Show(count);

    public void Added(int count)
    {
        ring.Added(count);
        if ((untilWake.Value -= count) <= 0 && count > 0) Announce();
    }

    bool ITakesFollowed<T>.TakesFollowed => true;

    ValueTask ITakesFollowed<T>.PushAsync(ReadOnlySpan<T> items, in ItemRefs followed, ref int taken)
    {
        Span<T> places = Free(items.Length);
        if (places.IsEmpty)
        {
            taken++;
            return PushAsync(items[0], followed.TicketOf(0));
        }
        items[..places.Length].CopyTo(places);
        Follow(followed, places.Length);
        Show(places.Length);
        Added(places.Length);
        taken += places.Length;
        return default;
    }

    // May overlap with a push. The push's change of the batch counters may then be lost, and its item stays unannounced until the
    // watchdog or the next flush finds it.
    public override void Flush()
    {
        holdsUnannounced = false;
        if (!ring.Announce()) return;
        WakeUp();
        untilWake.Value = batch = 1;
    }

    public void WakeConsumer()
    {
        ring.Announce();
        WakeUp();
    }

    public void Abort()
    {
        consumer.Wake();
        room.Wake();
    }

    /// <summary>Tells the producer that no more items are wanted; the consumer drops items that arrive later.</summary>
    public void Stop() => Upstream?.Stop();

    protected override ValueTask OnCompleteAsync()
    {
        ring.Announce();
        Volatile.Write(ref completed, true);
        holdsUnannounced = false;
        WakeUp();
        return default;
    }

    private void WakeUp()
    {
        Interlocked.MemoryBarrier();
        consumer.Wake();
    }

    private void Announce()
    {
        ring.Announce();
        Interlocked.MemoryBarrier();
        consumer.WakeByProducer();
        if (run.Scheduler.IsSerial)
        {
            untilWake.Value = 1;
            return;
        }
        long now = Stopwatch.GetTimestamp();
        if (now - lastWake < BatchTicks) batch = Math.Min(batch * 2, LargestBatch);
        else batch = Math.Max(batch / 2, 1);
        lastWake = now;
        untilWake.Value = batch;
        if (batch == 1 || holdsUnannounced) return;
        holdsUnannounced = true;
        Interlocked.MemoryBarrier();                 // before Watch reads whether the watchdog ticks
        run.Watchdog.Watch();
    }

    /// <summary>Waits because the ring is full. The item rests in a field until the consumer has made room.</summary>
    private ValueTask WaitForRoomAsync(T item, Ticket? ticket)
    {
        WakeConsumer();
        (waitingItem, waitingTicket) = (item, ticket);
        blocked.Begin();
        room.Arm();
        if (!EndsWait()) return room.WaitAsync();
        run.ThrowIfStopping();
        return AddWaiting() ? default : room.WaitAsync();
    }

    /// <summary>
    /// Adds the waiting item after a wake-up, before the producer continues. The wake-up may be a late one, from a consumer that saw the
    /// ring half empty before the producer filled it; the wait then continues. A stopping run ends the wait.
    /// </summary>
    /// <returns>Whether the wait is over.</returns>
    private bool AddWaiting()
    {
        while (!TryPush(waitingItem!, waitingTicket) && !run.IsStopping)
        {
            room.Rearm();
            if (!EndsWait()) return false;
        }
        (waitingItem, waitingTicket) = (default, null);
        blocked.End();
        return true;
    }

    /// <summary>Checks once more after arming. It touches nothing of the producer's half: a thread woken meanwhile may use that.</summary>
    /// <returns>Whether no wait is needed.</returns>
    private bool EndsWait() => (ring.Count < ring.Capacity || run.IsStopping) && room.Disarm();
}

/// <summary>A boundary without its item type, for the run and the watchdog.</summary>
internal interface IBoundary
{
    /// <summary>The node that takes its items.</summary>
    int Node { get; }

    /// <summary>The node that fills it.</summary>
    int From { get; }

    /// <summary>The number of items in it. Any thread.</summary>
    int Count { get; }

    /// <summary>Whether its producer waits for room. Any thread.</summary>
    bool IsBlocked { get; }

    /// <summary>The time for which its producer has waited for room until now. Any thread.</summary>
    TimeSpan BlockedTime { get; }

    /// <summary>Whether it may hold items that its consumer was not woken for. Any thread; a moment old.</summary>
    bool HoldsUnannounced { get; }

    /// <summary>The last node of lanes that work on its items now, from <see cref="Node"/> on; null if none do. Any thread.</summary>
    int? LanesWorkUntil => null;

    /// <summary>Announces all items and wakes the consumer. Any thread.</summary>
    void WakeConsumer();

    /// <summary>Ends all waits because the run stops. Any thread.</summary>
    void Abort();
}
