namespace Sluice.Delivery;

/// <content>
/// The work of other processes. While no item is in flight, <see cref="TryLoad"/> counts it exactly. While this member works,
/// <see cref="Compare"/> measures it: the ledger goes on as it is, and a snapshot adds the difference. Neither asks while a change of this
/// member is in the store and not yet counted.
/// </content>
internal sealed partial class ItemLedger
{
    private bool mayLack;                            // other processes have sent items that are not counted
    private int changes;                             // calls of this member that are counted when answered, with no item in flight
    private long loads;                              // how often the counts were set from the store
    private long behind;                             // by how many items more than counted the store had, when it was asked last

    /// <summary>Whether other processes have sent or ended items since the counts were read from the store.</summary>
    public bool MayLack
    {
        get { lock (Sync) return mayLack || behind != 0; }
    }

    /// <summary>
    /// A call begins that changes in the store what is counted here when the call is answered, and no item in flight tells of it. Until
    /// <see cref="EndChange"/>, what the store has is not compared with what is counted.
    /// </summary>
    /// <param name="isOfLetters">Whether it redrives or deletes letters.</param>
    public LedgerChange BeginChange(bool isOfLetters)
    {
        lock (Sync)
        {
            changes++;
            if (isOfLetters) letterChanges++;
            return new(loads, isOfLetters);
        }
    }

    /// <summary>The call has been answered and counted, or has failed. The caller wakes the waiters (<see cref="Touch"/>): a recount that
    /// they asked for may have been refused.</summary>
    /// <returns>False if the counts were set from the store meanwhile: the change may be counted twice.</returns>
    public bool EndChange(LedgerChange change)
    {
        lock (Sync)
        {
            changes--;
            if (change.IsOfLetters) (letterChanges, letterMoves) = (letterChanges - 1, letterMoves + 1);
            return loads == change.Loads;
        }
    }

    /// <summary>Learns how many entries the stream has had. Entries that are not counted were sent elsewhere.</summary>
    public void Learn(long appended)
    {
        lock (Sync) mayLack |= appended > accepted;
    }

    /// <summary>The items that have not ended, as they are counted here.</summary>
    public long Outstanding
    {
        get { lock (Sync) return CountOutstanding(); }
    }

    /// <summary>
    /// Compares the counts with the store while items may be in flight. A difference that this member's own commits explain is none: so the
    /// counts of a member without others stay exact. No item is accepted meanwhile.
    /// </summary>
    /// <param name="before"><see cref="Outstanding"/> before the store was asked.</param>
    /// <param name="stored">The items that have not ended, in the store.</param>
    public void Compare(long before, long stored)
    {
        lock (Sync)
        {
            if (changes > 0) return;
            long now = CountOutstanding();
            long least = Math.Min(before, now) - inFlight, most = Math.Max(before, now);
            long found = stored > most ? stored - most : stored < least ? stored - least : 0;
            if (found == behind) return;             // a waiter that is woken asks the store again
            behind = found;
        }
        Moved?.Invoke();
    }

    private long CountOutstanding() => pending + inFlight + retrying + parked + suspect;
}

/// <summary>A change of the store that is not counted yet.</summary>
/// <param name="Loads">How often the counts had been set from the store when it began.</param>
/// <param name="IsOfLetters">Whether it redrives or deletes letters.</param>
internal readonly record struct LedgerChange(long Loads, bool IsOfLetters);
