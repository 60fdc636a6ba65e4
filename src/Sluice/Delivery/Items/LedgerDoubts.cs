namespace Sluice.Delivery;

/// <summary>
/// Counts the reasons to count the ledger anew: a void commit on which another member may have built, or items that were accepted
/// elsewhere.
/// </summary>
/// <remarks>
/// Thread-safe, without locks. A recount reads <see cref="Count"/> before it asks the store, and settles that number when the ledger has
/// taken the answer.
/// </remarks>
internal sealed class LedgerDoubts
{
    private int count;
    private int settled;

    /// <summary>How many reasons there were.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>Whether there is a reason that no recount has seen.</summary>
    public bool AreAny => Volatile.Read(ref count) != Volatile.Read(ref settled);

    /// <summary>Adds a reason.</summary>
    public void Add() => Interlocked.Increment(ref count);

    /// <summary>The ledger was counted anew.</summary>
    /// <param name="known">What <see cref="Count"/> was before the recount.</param>
    public void Settle(int known) => Volatile.Write(ref settled, known);
}
