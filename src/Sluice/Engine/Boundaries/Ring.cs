using System.Runtime.InteropServices;

namespace Sluice.Engine;

/// <summary>A bounded queue of items and tickets for one producer and one consumer. It starts small and grows to its capacity.</summary>
/// <remarks>
/// The producer's half belongs to the producer, the consumer's half to the consumer. They meet in three published indices, each on its
/// own cache lines; each side caches the other's index and reads the shared one once per batch. The producer publishes its tail for
/// every item, for counts and announcements. The consumer reads only the announced tail, a batch at a time: reading the tail of every
/// item would take its cache line from the producer each time. A full segment below the capacity is followed by one of twice its
/// size; the consumer moves on when the older one is empty. After Lamport 1983, with the cached indices of FastForward and MCRingBuffer.
/// </remarks>
internal sealed class Ring<T>
{
    private const int FirstSegment = 32;

    private readonly int capacity;

    // The order matters: the padding of an index also separates the halves before and behind it.
    private ProducerHalf producer;
    private PaddedIndex publishedTail;
    private PaddedIndex announcedTail;
    private ConsumerHalf consumer;
    private PaddedIndex publishedHead;

    public Ring(int capacity)
    {
        this.capacity = capacity;
        int length = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Min(capacity, FirstSegment));
        producer.Segment = consumer.Segment = new Segment(length, 0);
        producer.Limit = Math.Min(capacity, length);
    }

    public int Capacity => capacity;

    /// <summary>The number of items. Any thread; a moment old.</summary>
    public int Count => (int)Math.Max(0, Volatile.Read(ref publishedTail.Value) - Volatile.Read(ref publishedHead.Value));

    /// <summary>The number of items added since the beginning. Any thread.</summary>
    public long Tail => Volatile.Read(ref publishedTail.Value);

    /// <summary>Whether some items are not announced to the consumer yet. Any thread.</summary>
    public bool HoldsUnannounced => Volatile.Read(ref announcedTail.Value) < Volatile.Read(ref publishedTail.Value);

    /// <summary>Lets the consumer take all items added so far. Any thread; wake the consumer afterwards.</summary>
    /// <returns>Whether an item was unannounced.</returns>
    public bool Announce()
    {
        while (true)
        {
            long announced = Volatile.Read(ref announcedTail.Value), tail = Volatile.Read(ref publishedTail.Value);
            if (tail <= announced) return false;
            if (Interlocked.CompareExchange(ref announcedTail.Value, tail, announced) == announced) return true;
        }
    }

    /// <summary>Producer: adds an item; the consumer sees it once it is announced.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAdd(T item, Ticket? ticket)
    {
        long tail = producer.Tail;
        if (tail - producer.KnownHead >= producer.Limit && !MakeRoom()) return false;
        T[] items = producer.Segment.Items;
        int at = (int)tail & (items.Length - 1);
        items[at] = item;
        if (ticket is not null) producer.Segment.Add(at, ticket);
        producer.Tail = tail + 1;
        Volatile.Write(ref publishedTail.Value, tail + 1);
        return true;
    }

    /// <summary>Consumer: the number of items it can take in a row now; 0 if there are none.</summary>
    public int Available()
    {
        if (consumer.Head == consumer.KnownTail)
        {
            consumer.KnownTail = Volatile.Read(ref announcedTail.Value);
            if (consumer.Head == consumer.KnownTail) return 0;
        }
        long end = consumer.KnownTail;
        if (consumer.Segment.Next is { } next)
        {
            if (consumer.Head == next.Start) consumer.Segment = next;
            else end = Math.Min(end, next.Start);
            if (consumer.Segment.Next is { } further) end = Math.Min(end, further.Start);
        }
        return (int)(end - consumer.Head);
    }

    /// <summary>Consumer: takes an available item; the producer learns of it by <see cref="PublishHead"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Take(out Ticket? ticket)
    {
        long head = consumer.Head;
        Segment segment = consumer.Segment;
        T[] items = segment.Items;
        int at = (int)head & (items.Length - 1);
        T item = items[at];
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>()) items[at] = default!;
        ticket = segment.Known is null ? null : segment.Known.Take(at, ref consumer.Ticket);
        consumer.Head = head + 1;
        return item;
    }

    /// <summary>Consumer: adjacent available items; <see cref="Skip"/> takes them.</summary>
    public Span<T> Peek(int most, out ItemRefs followed)
    {
        T[] items = consumer.Segment.Items;
        int at = (int)consumer.Head & (items.Length - 1), count = Math.Min(most, items.Length - at);
        followed = consumer.Segment.Known is { } known ? known.Of(at, count) : default;
        return items.AsSpan(at, count);
    }

    /// <summary>Consumer: takes the first of the peeked items.</summary>
    public void Skip(Span<T> peeked, in ItemRefs followed, int count)
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>()) peeked[..count].Clear();
        followed.Clear(count);
        consumer.Head += count;
    }

    /// <summary>
    /// Producer: adjacent free places, perhaps none. Fill them from the first on; <see cref="Show"/> makes each visible,
    /// <see cref="Added"/> counts all.
    /// </summary>
    public Span<T> Free(int most)
    {
        long tail = producer.Tail;
        if (tail - producer.KnownHead >= producer.Limit && !MakeRoom()) return default;
        T[] items = producer.Segment.Items;
        int at = (int)tail & (items.Length - 1);
        return items.AsSpan(at, (int)Math.Min(Math.Min(most, items.Length - at), producer.Limit - (tail - producer.KnownHead)));
    }

    /// <summary>
    /// Producer: sets the tickets or numbers of the first free places, before their items are shown. Clear those that are not shown.
    /// </summary>
    public void Follow(in ItemRefs followed, int count)
    {
        Segment segment = producer.Segment;
        int at = (int)producer.Tail & (segment.Items.Length - 1);
        followed.CopyTo(segment.Follow(), at, count);
    }

    /// <summary>Producer: clears the tickets or numbers of free places that will not be filled.</summary>
    public void Unfollow(int place, int count)
    {
        Segment segment = producer.Segment;
        segment.Follow().Of((int)(producer.Tail + place) & (segment.Items.Length - 1), count).Clear(count);
    }

    /// <summary>Producer: publishes that the first free places are filled.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Show(int count) => Volatile.Write(ref publishedTail.Value, producer.Tail + count);

    public void Added(int count) => producer.Tail += count;

    /// <summary>Consumer: gives back the places of the items taken.</summary>
    /// <returns>Whether the ring is at least half empty.</returns>
    public bool PublishHead()
    {
        Volatile.Write(ref publishedHead.Value, consumer.Head);
        return consumer.KnownTail - consumer.Head <= capacity / 2;     // a waiting producer has announced all its items
    }

    /// <summary>Reads the consumer's head; adds a segment if the segment, but not the capacity, is full.</summary>
    private bool MakeRoom()
    {
        long tail = producer.Tail, head = producer.KnownHead = Volatile.Read(ref publishedHead.Value);
        if (tail - head >= capacity) return false;
        Segment segment = producer.Segment;
        long oldest = Math.Max(head, segment.Start);
        if (tail - oldest >= segment.Items.Length)
        {
            int length = (int)Math.Min((uint)segment.Items.Length * 2, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)capacity));
            producer.Segment = new Segment(length, oldest = tail);
            Volatile.Write(ref segment.Next, producer.Segment);
        }
        producer.Limit = (int)Math.Min(capacity, oldest - head + producer.Segment.Items.Length);
        return true;
    }

    /// <summary>
    /// A part of the ring. Tickets have separate arrays, made for the first ticket: most runs have none, and items lie closer.
    /// </summary>
    private sealed class Segment(int length, long start)
    {
        public readonly T[] Items = new T[length];
        public readonly long Start = start;
        public FollowedPlaces? Known;
        public Segment? Next;

        public void Add(int place, Ticket ticket) => Follow().Add(place, ticket);

        public FollowedPlaces Follow()
        {
            if (Known is null) Volatile.Write(ref Known, new(Items.Length));
            return Known;
        }
    }

    private struct ProducerHalf
    {
        public Segment Segment;
        public long Tail;
        public long KnownHead;
        public int Limit;
    }

    private struct ConsumerHalf
    {
        public Segment Segment;
        public long Head;
        public long KnownTail;
        public Ticket? Ticket;                       // reused for one numbered item after the other
    }
}

/// <summary>An index padded to cache lines of its own.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct PaddedIndex
{
    [FieldOffset(64)]
    public long Value;
}
