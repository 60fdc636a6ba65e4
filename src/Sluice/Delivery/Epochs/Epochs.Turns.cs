namespace Sluice;

// When timers have fired, what was accepted has its turn, also if others are due already: the store is asked before they fire.
internal sealed partial class Epochs
{
    private static readonly TimeSpan TurnOfOthers = TimeSpan.FromSeconds(1);         // if the store cannot be asked, as there is no room

    private bool hasTurnEnded;

    /// <summary>The store has been asked: timers of the partitions that it has nothing of may fire. The pump's.</summary>
    /// <param name="asked">The partitions.</param>
    /// <param name="request">What it was asked for.</param>
    /// <param name="lease">What it has given.</param>
    public void HaveAsked(OwnedPartition[] asked, LeaseRequest request, LeaseResult lease)
    {
        if (!core.KeepsTimers) return;
        HashSet<int> bare = [.. request.Owned.Select(static owner => owner.Partition)];
        foreach (LeasedBatch batch in lease.Batches) bare.Remove(batch.Owner.Partition);

        // It may not have come to those behind the last one that it has something of: they are the first of the next lease.
        if (lease.Batches is [.., { Owner: var last }])
            foreach (Ownership behind in request.Owned.SkipWhile(owner => owner != last)) bare.Remove(behind.Partition);
        EndTurns(Array.FindAll(asked, partition => bare.Contains(partition.Number)));
    }

    /// <summary>Whether timers that are due may fire from here on. True once. The pump's, after a look that has brought nothing.</summary>
    /// <param name="isAway">Whether the store does not answer. Else, if it was not asked, there is no room, and timers wait for some for a moment.</param>
    public bool TakeTimersTurn(bool isAway)
    {
        if (core.KeepsTimers) EndTurns(Array.FindAll(core.Owned, partition => isAway || partition.Scope!.TurnEndsAt <= looked));
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

    /// <summary>When timers fire although the store could not be asked.</summary>
    private long? TurnEndOf(OwnedPartition partition)
    {
        lock (sync) return partition.Scope is { TurnEndsAt: { } at } scope && scope.AreTimersDue(looked) ? at : null;
    }
}
