using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Sluice;

/// <summary>A bounded queue of items and tickets, for one producer and one consumer; it starts small and grows to its capacity.</summary>
/// <remarks>
/// Locking rule: the producer's half is touched by the producer only, the consumer's half by the consumer only; they
/// meet in two published indices, each on cache lines of its own, and each side keeps a copy of the other's index so
/// that it reads the shared one once per batch. A full segment that is smaller than the capacity is followed by one
/// twice its size; the consumer moves on when it has emptied the older one. After Lamport 1983, with the cached indices
/// of FastForward and MCRingBuffer.
/// </remarks>
internal sealed class Ring<T>
{
    private const int FirstSegment = 64;

    private readonly int capacity;

    // In this order: the padding of an index also keeps the halves before and behind it on different cache lines.
    private ProducerHalf producer;
    private PaddedIndex publishedTail;
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

    /// <summary>Producer: adds the item, visible to the consumer at once, though nobody is woken.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAdd(T item, Ticket? ticket)
    {
        long tail = producer.Tail;
        if (tail - producer.KnownHead >= producer.Limit && !MakeRoom()) return false;
        RingCell<T>[] cells = producer.Segment.Cells;
        ref RingCell<T> cell = ref cells[(int)tail & (cells.Length - 1)];
        cell.Fill(item, ticket);
        producer.Tail = tail + 1;
        Volatile.Write(ref publishedTail.Value, tail + 1);
        return true;
    }

    /// <summary>Consumer: how many items can be taken in a row now; 0 when it is empty.</summary>
    public int Available()
    {
        if (consumer.Head == consumer.KnownTail)
        {
            consumer.KnownTail = Volatile.Read(ref publishedTail.Value);
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
        RingCell<T>[] cells = consumer.Segment.Cells;
        ref RingCell<T> cell = ref cells[(int)head & (cells.Length - 1)];
        T item = cell.Item;
        ticket = cell.Ticket;
        cell.Clear(ticket);
        consumer.Head = head + 1;
        return item;
    }

    /// <summary>Consumer: items that are available, in a row; they are taken by <see cref="Skip"/>, after <see cref="RingCell{T}.Clear"/>.</summary>
    /// <param name="most">No more than are available.</param>
    public Span<RingCell<T>> Peek(int most)
    {
        RingCell<T>[] cells = consumer.Segment.Cells;
        int at = (int)consumer.Head & (cells.Length - 1);
        return cells.AsSpan(at, Math.Min(most, cells.Length - at));
    }

    /// <summary>Consumer: has taken this many.</summary>
    public void Skip(int count) => consumer.Head += count;

    /// <summary>Producer: free places, in a row, perhaps none; filled from the first on, each made visible by <see cref="Show"/>, all counted by <see cref="Added"/>.</summary>
    public Span<RingCell<T>> Free(int most)
    {
        long tail = producer.Tail;
        if (tail - producer.KnownHead >= producer.Limit && !MakeRoom()) return default;
        RingCell<T>[] cells = producer.Segment.Cells;
        int at = (int)tail & (cells.Length - 1);
        return cells.AsSpan(at, (int)Math.Min(Math.Min(most, cells.Length - at), producer.Limit - (tail - producer.KnownHead)));
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
        return Volatile.Read(ref publishedTail.Value) - consumer.Head <= capacity / 2;
    }

    /// <summary>Looks how far the consumer has come, and grows where the segment, but not the capacity, is exhausted.</summary>
    private bool MakeRoom()
    {
        long tail = producer.Tail, head = producer.KnownHead = Volatile.Read(ref publishedHead.Value);
        if (tail - head >= capacity) return false;
        Segment segment = producer.Segment;
        long oldest = Math.Max(head, segment.Start);
        if (tail - oldest >= segment.Cells.Length)
        {
            int length = (int)Math.Min((uint)segment.Cells.Length * 2, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)capacity));
            producer.Segment = new Segment(length, oldest = tail);
            Volatile.Write(ref segment.Next, producer.Segment);
        }
        producer.Limit = (int)Math.Min(capacity, oldest - head + producer.Segment.Cells.Length);
        return true;
    }

    private sealed class Segment(int length, long start)
    {
        public readonly RingCell<T>[] Cells = new RingCell<T>[length];
        public readonly long Start = start;
        public Segment? Next;
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
    }
}

/// <summary>An index with the cache lines around it to itself.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct PaddedIndex
{
    [FieldOffset(128)]
    public long Value;
}

/// <summary>A place for an item and its ticket.</summary>
internal struct RingCell<T>
{
    public T Item;
    public Ticket? Ticket;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill(T item, Ticket? ticket)
    {
        Item = item;
        if (ticket is not null) Ticket = ticket;     // it was null before: no need to write that
    }

    /// <summary>Taken: nothing is to be kept alive here. What need not be written is not: the cell stays in both sides' caches.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Clear(Ticket? ticket)
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>()) Item = default!;
        if (ticket is not null) Ticket = null;
    }
}
