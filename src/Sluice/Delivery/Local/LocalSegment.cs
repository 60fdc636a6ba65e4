using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>Some items in order, from their arrival to their end: a producer fills it while the pump takes what is announced.</summary>
/// <remarks>
/// Filled by one producer, who publishes every item; announced and taken under the intake's lock; ends are counted by any thread. It is used again when
/// all of its items have ended.
/// </remarks>
internal sealed class LocalSegment<T>(int slot)
{
    public const int Bits = 9;
    public const int Length = 1 << Bits;

    private const int LaneBits = 16;
    private const long LaneMask = (1 << LaneBits) - 1;

    private T[] items = new T[Length];
    private int filled;
    private long ended;                              // four counters in one, so that they are read together

    /// <summary>How an item has ended.</summary>
    public enum Lane
    {
        Completed,
        Skipped,
        Cancelled,

        /// <summary>It has failed, and goes on as an entry of the store.</summary>
        Failed,
    }

    public T[] Items => items;

    /// <summary>How many items there are; any thread.</summary>
    public int Filled => Volatile.Read(ref filled);

    /// <summary>What its items have ended as; any thread.</summary>
    public Ends Ended => new(Volatile.Read(ref ended));

    // Under the intake's lock.
    public int Announced { get; set; }

    public bool IsQueued { get; set; }

    /// <summary>How many have been handed to the pump. Written under the intake's lock, read by any thread.</summary>
    public int Taken
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>What of its ends is in the books, and how many items were let go of. The sweeper's.</summary>
    public Ends Swept { get; set; }

    public int Cleared { get; set; }

    /// <summary>The number of the first item, for ids. Set when it is rented.</summary>
    public long First { get; set; }

    /// <summary>The number of an item among those under way.</summary>
    public int NumberOf(int index) => ((slot << Bits) | index) + 1;

    public static (int Slot, int Index) Find(int number) => ((number - 1) >> Bits, (number - 1) & (Length - 1));

    /// <summary>The producer's.</summary>
    /// <returns>Whether it is full now.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Add(T item)
    {
        int at = filled;
        items[at] = item;
        Volatile.Write(ref filled, at + 1);
        return at + 1 == Length;
    }

    /// <summary>Counts ends, any thread; a full fence.</summary>
    /// <returns>All ends until now.</returns>
    public Ends End(Lane lane, int count) => new(Interlocked.Add(ref ended, (long)count << (LaneBits * (int)lane)));

    /// <summary>Lets go of items that have ended.</summary>
    public void Clear(int to)
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>()) Array.Clear(items, Cleared, to - Cleared);
        Cleared = to;
    }

    /// <summary>Makes it empty. When all of its items have ended.</summary>
    /// <param name="keepsMemory">Whether it is to be used again soon.</param>
    public void Reset(bool keepsMemory)
    {
        (filled, ended, Announced, Taken, Cleared, Swept) = (0, 0, 0, 0, 0, default);
        if (!keepsMemory) items = [];
    }

    /// <summary>Before it is filled anew.</summary>
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
