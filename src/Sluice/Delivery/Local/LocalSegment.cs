using System.Runtime.CompilerServices;

namespace Sluice.Delivery;

/// <summary>A segment: items in order, from their arrival to their end. A producer fills it while the pump takes announced items.</summary>
/// <remarks>One producer fills the segment and publishes every item. Items are announced and taken under the lock of the intake. Any thread
/// counts ends. The segment is reused when all its items have ended.</remarks>
internal sealed class LocalSegment<T>(int slot)
{
    public const int Bits = 9;
    public const int Length = 1 << Bits;

    private const int LaneBits = 16;
    private const long LaneMask = (1 << LaneBits) - 1;

    private T[] items = new T[Length];
    private int filled;
    private long ended;                              // four counters in one, so that they are read atomically

    /// <summary>The way in which an item has ended.</summary>
    public enum Lane
    {
        Completed,
        Skipped,
        Cancelled,

        /// <summary>The item has failed and goes on as an entry of the store.</summary>
        Failed,
    }

    public T[] Items => items;

    /// <summary>The number of items. Any thread.</summary>
    public int Filled => Volatile.Read(ref filled);

    /// <summary>The ends of the items, counted by lane. Any thread.</summary>
    public Ends Ended => new(Volatile.Read(ref ended));

    // Under the lock of the intake.
    public int Announced { get; set; }

    public bool IsQueued { get; set; }

    /// <summary>The number of items that were handed to the pump. Written under the lock of the intake, read by any thread.</summary>
    public int Taken
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>The ends that the last sweep has added to the ledger. Used by the sweep.</summary>
    public Ends Swept { get; set; }

    public int Cleared { get; set; }

    /// <summary>The number of the first item, for ids. Set when the segment is rented.</summary>
    public long First { get; set; }

    /// <summary>Returns the number of an item among the items in flight.</summary>
    public int NumberOf(int index) => ((slot << Bits) | index) + 1;

    public static (int Slot, int Index) Find(int number) => ((number - 1) >> Bits, (number - 1) & (Length - 1));

    /// <summary>Adds an item. Used by the producer.</summary>
    /// <returns>Whether the segment is full now.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Add(T item)
    {
        int at = filled;
        items[at] = item;
        Volatile.Write(ref filled, at + 1);
        return at + 1 == Length;
    }

    /// <summary>Takes the last item back. Used by the producer; the item is not announced.</summary>
    public void TakeBack()
    {
        items[filled - 1] = default!;
        Volatile.Write(ref filled, filled - 1);
    }

    /// <summary>Counts ends. Any thread; a full fence.</summary>
    /// <returns>All ends so far.</returns>
    public Ends End(Lane lane, int count) => new(Interlocked.Add(ref ended, (long)count << (LaneBits * (int)lane)));

    /// <summary>Clears the references to ended items.</summary>
    public void Clear(int to)
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>()) Array.Clear(items, Cleared, to - Cleared);
        Cleared = to;
    }

    /// <summary>Empties the segment, when all its items have ended.</summary>
    /// <param name="keepsMemory">Whether the segment keeps its memory for a soon reuse.</param>
    public void Reset(bool keepsMemory)
    {
        (filled, ended, Announced, Taken, Cleared, Swept) = (0, 0, 0, 0, 0, default);
        if (!keepsMemory) items = [];
    }

    /// <summary>Prepares the segment for new items.</summary>
    public void Prepare(long first)
    {
        First = first;
        if (items.Length == 0) items = new T[Length];
    }

    public readonly record struct Ends(long Lanes)
    {
        public int Sum => this[Lane.Completed] + this[Lane.Skipped] + this[Lane.Cancelled] + this[Lane.Failed];

        public int this[Lane lane] => (int)((Lanes >> (LaneBits * (int)lane)) & LaneMask);
    }
}
