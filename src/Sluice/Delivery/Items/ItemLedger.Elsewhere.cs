namespace Sluice.Delivery;

/// <content>
/// The work of other processes. While no item is in flight, <see cref="TryLoad"/> counts it exactly. While this member works,
/// <see cref="Compare"/> measures it: the ledger goes on as it is, and a snapshot adds the difference.
/// </content>
internal sealed partial class ItemLedger
{
    private bool mayLack;                            // other processes have sent items that are not counted
    private long behind;                             // by how many items more than counted the store had, when it was asked last

    /// <summary>Whether other processes have sent or ended items since the counts were read from the store.</summary>
    public bool MayLack
    {
        get { lock (Sync) return mayLack || behind != 0; }
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
