namespace Sluice.Delivery;

// After timers have fired, accepted items have their turn, even if more timers are due: the store is asked before those fire.
internal sealed partial class Rounds
{
    private static readonly TimeSpan TurnOfOthers = TimeSpan.FromSeconds(1);         // if a lack of room prevents asking the store

    private bool hasTurnEnded;
    private bool isIdleDue;                          // a stage that waited for the answer that its partition has no entries

    /// <summary>Lets timers fire in the partitions for which the store had no entries, and notes that they are empty. Used by the
    /// pump.</summary>
    /// <param name="asked">The partitions of the request.</param>
    /// <param name="request">The request.</param>
    /// <param name="lease">The answer of the store.</param>
    public void HaveAsked(OwnedPartition[] asked, LeaseRequest request, LeaseResult lease)
    {
        if (!core.KeepsTimers && !core.KeepsTime) return;
        HashSet<int> bare = [.. request.Owned.Select(static owner => owner.Partition)];
        foreach (LeasedBatch batch in lease.Batches) bare.Remove(batch.Owner.Partition);

        // The store may not have reached the partitions behind the last one with entries: they come first in the next lease.
        if (lease.Batches is [.., { Owner: var last }])
            foreach (Ownership behind in request.Owned.SkipWhile(owner => owner != last)) bare.Remove(behind.Partition);
        OwnedPartition[] without = Array.FindAll(asked, partition => bare.Contains(partition.Number));
        if (core.KeepsTimers) EndTurns(without);
        if (!core.KeepsTime || lease is { IsPaused: true } or { FullStream: not null }) return;
        foreach (OwnedPartition partition in without)
        {
            // An item that waits for its retry is in the store, and its time may be an early one. Behind a damaged entry there may be
            // others.
            if (partition.Scope is not { } scope || !IsResting(partition) || IsHeldUp(partition) || partition.Order?.RetryAt is not null
                || lease.Damaged.Any(damage => damage.Owner == partition.Owner)) continue;
            scope.NoteEmpty(looked);
            isIdleDue |= scope.IsDue(looked);
        }
    }

    /// <summary>Whether a stage that waited for an empty partition may act from here on. True once. Used by the pump, after a lease that
    /// brought no entries.</summary>
    public bool TakeIdleTurn()
    {
        bool isDue = isIdleDue && mayAct;
        isIdleDue = false;
        return isDue;
    }

    /// <summary>Whether due timers may fire from here on. True once. Used by the pump, after a lease that brought no entries.</summary>
    /// <param name="isAway">Whether the store does not answer. If it answers but was not asked, there is no room, and timers wait a moment
    /// for room.</param>
    public bool TakeTimersTurn(bool isAway)
    {
        if (core.KeepsTimers) EndTurns(Array.FindAll(core.Partitions.Owned, partition => isAway || partition.Scope!.TurnEndsAt <= looked));
        bool hasEnded = hasTurnEnded;
        hasTurnEnded = false;
        return hasEnded;
    }

    private void EndTurns(OwnedPartition[] partitions)
    {
        lock (sync)
        {
            foreach (OwnedPartition partition in partitions)
            {
                if (partition.Scope is not { TimersHadTurn: true } scope || running.Contains(partition.Number)) continue;
                scope.EndTurn(null);
                hasTurnEnded |= scope.AreTimersDue(looked);
            }
        }
    }

    /// <summary>The time at which timers fire although the store could not be asked.</summary>
    private long? TurnEndOf(OwnedPartition partition)
    {
        lock (sync) return partition.Scope is { TurnEndsAt: { } at } scope && scope.AreTimersDue(looked) ? at : null;
    }
}
