using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Sluice;

/// <summary>A bounded queue of items and tickets, for one producer and one consumer; it starts small and grows to its capacity.</summary>
/// <remarks>
/// Locking rule: the producer's half is touched by the producer only, the consumer's half by the consumer only; they
/// meet in three published indices, each on cache lines of its own, and each side keeps a copy of the other's index so
/// that it reads the shared one once per batch. How far the producer has come is published for every item, for those who count or
/// announce; the consumer looks at what has been announced only, a batch at a time: a consumer at the producer's heels would
/// take the line of the index, and that of the item, away from it for every item. A full segment that is smaller than the capacity is followed by one
/// twice its size; the consumer moves on when it has emptied the older one. After Lamport 1983, with the cached indices
/// of FastForward and MCRingBuffer.
/// </remarks>
internal sealed class Ring<T>
{
    private const int FirstSegment = 32;

    private readonly int capacity;

    // In this order: the padding of an index also keeps the halves before and behind it on different cache lines.
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

    /// <summary>How many items are in it, as anyone may ask; a moment old.</summary>
    public int Count => (int)Math.Max(0, Volatile.Read(ref publishedTail.Value) - Volatile.Read(ref publishedHead.Value));

    /// <summary>How many items have been added since the beginning, as anyone may ask.</summary>
    public long Tail => Volatile.Read(ref publishedTail.Value);

    /// <summary>Whether the consumer does not see all of it yet; any thread.</summary>
    public bool HoldsUnannounced => Volatile.Read(ref announcedTail.Value) < Volatile.Read(ref publishedTail.Value);

    /// <summary>What has been added may be taken. Any thread; wake the consumer after that.</summary>
    /// <returns>Whether there was something that had not been announced.</returns>
    public bool Announce()
    {
        while (true)
        {
            long announced = Volatile.Read(ref announcedTail.Value), tail = Volatile.Read(ref publishedTail.Value);
            if (tail <= announced) return false;
            if (Interlocked.CompareExchange(ref announcedTail.Value, tail, announced) == announced) return true;
        }
    }

    /// <summary>Producer: adds the item, which the consumer sees when it is announced.</summary>
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

    /// <summary>Consumer: how many items can be taken in a row now; 0 when it is empty.</summary>
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

    /// <summary>Consumer: takes one of the available items; the producer does not know before <see cref="PublishHead"/>.</summary>
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

    /// <summary>Consumer: items that are available, in a row; they are taken by <see cref="Skip"/>.</summary>
    /// <param name="most">No more than are available.</param>
    /// <param name="followed">Who they are.</param>
    public Span<T> Peek(int most, out ItemRefs followed)
    {
        T[] items = consumer.Segment.Items;
        int at = (int)consumer.Head & (items.Length - 1), count = Math.Min(most, items.Length - at);
        followed = consumer.Segment.Known is { } known ? known.Of(at, count) : default;
        return items.AsSpan(at, count);
    }

    /// <summary>Consumer: has taken this many of those that it has seen.</summary>
    public void Skip(Span<T> peeked, in ItemRefs followed, int count)
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>()) peeked[..count].Clear();
        followed.Clear(count);
        consumer.Head += count;
    }

    /// <summary>Producer: free places, in a row, perhaps none; filled from the first on, each made visible by <see cref="Show"/>, all counted by <see cref="Added"/>.</summary>
    public Span<T> Free(int most)
    {
        long tail = producer.Tail;
        if (tail - producer.KnownHead >= producer.Limit && !MakeRoom()) return default;
        T[] items = producer.Segment.Items;
        int at = (int)tail & (items.Length - 1);
        return items.AsSpan(at, (int)Math.Min(Math.Min(most, items.Length - at), producer.Limit - (tail - producer.KnownHead)));
    }

    /// <summary>Producer: who will be in the free places, from the first on, before they are shown. What is not shown then is to be cleared.</summary>
    public void Follow(in ItemRefs followed, int count)
    {
        Segment segment = producer.Segment;
        int at = (int)producer.Tail & (segment.Items.Length - 1);
        followed.CopyTo(segment.Follow(), at, count);
    }

    /// <summary>Producer: these of the free places will not be filled after all.</summary>
    public void Unfollow(int place, int count)
    {
        Segment segment = producer.Segment;
        segment.Follow().Of((int)(producer.Tail + place) & (segment.Items.Length - 1), count).Clear(count);
    }

    /// <summary>Producer: this many of the free places are filled and may be read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Show(int count) => Volatile.Write(ref publishedTail.Value, producer.Tail + count);

    public void Added(int count) => producer.Tail += count;

    /// <summary>Consumer: the places of what was taken may be used again.</summary>
    /// <returns>Whether the ring is at least half empty.</returns>
    public bool PublishHead()
    {
        Volatile.Write(ref publishedHead.Value, consumer.Head);
        return consumer.KnownTail - consumer.Head <= capacity / 2;     // a producer that waits has announced all it has
    }

    /// <summary>Looks how far the consumer has come, and grows where the segment, but not the capacity, is exhausted.</summary>
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

    /// <summary>Who the items are has arrays of its own, which are there from the first one on: most runs have none, and items lie closer.</summary>
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
        public Ticket? Ticket;                       // for numbered items, one after the other
    }
}

/// <summary>An index with the cache lines around it to itself.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct PaddedIndex
{
    [FieldOffset(64)]
    public long Value;
}
