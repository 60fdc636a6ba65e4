using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>Counts where every accepted item is. All moves are made under one lock, so a snapshot always adds up.</summary>
/// <remarks>
/// Thread-safe. <see cref="Sync"/> also guards the waiting entries of each <see cref="OwnedPartition"/>. A waiting entry that no
/// partition knows counts as pending, so a partition that is lost and acquired again has as many items as before.
/// </remarks>
internal sealed partial class ItemLedger
{
    private long accepted, completed, skipped, dead, cancelled, pending, inFlight, retrying, parked, suspect, split;
    private long moves;
    private long inNoStore;                          // accepted items in no store that have not ended

    public Lock Sync { get; } = new();

    /// <summary>Raised after a move, outside of the lock.</summary>
    public event Action? Moved;

    public long Dead
    {
        get { lock (Sync) return dead; }
    }

    /// <summary>Sets the counts from the store while no item is in flight. Items that are in no other place were cancelled.</summary>
    public void Load(long accepted, long pending, PartitionCounts ended, long dead, long retrying, long parked, long suspect)
    {
        lock (Sync) Set(accepted, pending, ended, dead, retrying, parked, suspect);
        Moved?.Invoke();
    }

    /// <summary>Sets the counts from the store, unless an item has moved since the store was asked, or is in flight, or a change is under
    /// way.</summary>
    /// <param name="seen"><see cref="Moves"/> before the store was asked.</param>
    /// <param name="owned">The partitions of this member.</param>
    /// <param name="accepted">The items that all members have accepted.</param>
    /// <param name="outstanding">Those of them that have not ended.</param>
    /// <param name="ended">Those that have ended.</param>
    /// <param name="dead">The dead letters.</param>
    /// <returns>Whether the counts were set.</returns>
    public bool TryLoad(long seen, OwnedPartition[] owned, long accepted, long outstanding, PartitionCounts ended, long dead)
    {
        lock (Sync)
        {
            if (moves != seen || inFlight > 0 || changes > 0) return false;
            (long retrying, long parked, long suspect) = (Count(WaitingStatus.Retrying), Count(WaitingStatus.Parked),
                Count(WaitingStatus.Suspect));
            Set(accepted, outstanding - retrying - parked - suspect, ended, dead, retrying, parked, suspect);
            return true;
        }

        long Count(WaitingStatus state) => owned.Sum(partition => (long)partition.Waiting.Values.Count(waiting => waiting == state));
    }

    private void Set(long accepted, long pending, PartitionCounts ended, long dead, long retrying, long parked, long suspect)
    {
        (loads, moves, letterMoves) = (loads + 1, moves + 1, letterMoves + 1);
        (accepted, pending) = (accepted + inNoStore, pending + inNoStore);       // accepted before the start
        (this.accepted, this.pending, completed, skipped, split) = (accepted, pending, ended.Completed, ended.Skipped, ended.Split);
        (this.dead, this.retrying, this.parked, this.suspect, inFlight) = (dead, retrying, parked, suspect, 0);
        (mayLack, behind) = (false, 0);
        cancelled = accepted + split - pending - completed - skipped - dead - retrying - parked - suspect;
    }

    public void Accept(long count)
    {
        lock (Sync) (accepted, pending, moves) = (accepted + count, pending + count, moves + 1);
    }

    /// <summary>Counts accepted items that are in no store.</summary>
    public void AcceptLocal(long count)
    {
        lock (Sync) (accepted, pending, inNoStore) = (accepted + count, pending + count, inNoStore + count);
    }

    /// <summary>Counts the moves.</summary>
    public long Moves
    {
        get { lock (Sync) return moves; }
    }

    /// <summary>Whether all items that have not ended are in no store, as far as this member knows.</summary>
    public bool IsStoreEmpty
    {
        get { lock (Sync) return CountOutstanding() == inNoStore; }
    }

    /// <summary>Whether all items have ended, as far as this member knows.</summary>
    public bool IsIdle
    {
        get { lock (Sync) return Math.Max(0, pending + behind) + inFlight + retrying + parked + suspect == 0; }
    }

    /// <summary>Whether entries of the store wait for their next attempt, and are due.</summary>
    public bool HasPending
    {
        get { lock (Sync) return pending > 0; }
    }

    /// <summary>Wakes the waiters although no count has changed.</summary>
    public void Touch() => Moved?.Invoke();

    /// <summary>An entry is handed to the pipeline. Under the lock.</summary>
    public void Lease(OwnedPartition partition, long sequence, int attempt)
    {
        inFlight++;
        moves++;
        if (partition.Waiting.Remove(sequence, out WaitingStatus state)) Move(state, -1);
        else if (attempt > 1)
        {
            // The commit that deferred it is applied, and not counted yet.
            partition.LeasedEarly.Add(sequence);
            retrying--;
        }
        else if (--pending < 0) mayLack = true;      // sent elsewhere, or not counted yet
    }

    private void Move(WaitingStatus state, int by)
    {
        switch (state)
        {
            case WaitingStatus.Retrying: retrying += by; break;
            case WaitingStatus.Parked: parked += by; break;
            case WaitingStatus.Suspect: suspect += by; break;
            default: pending += by; break;
        }
    }

    /// <summary>Counts an applied commit. Deferred entries in <paramref name="waited"/> were not in flight.</summary>
    public void Settle(OwnedPartition partition, CommitCounts counts, IEnumerable<RetryWrite> deferred, IReadOnlySet<long> waited)
    {
        lock (Sync)
        {
            moves++;
            inFlight -= counts.Roots;
            (completed, skipped, cancelled) = (completed + counts.Completed, skipped + counts.Skipped, cancelled + counts.Cancelled);
            dead += counts.Letters;
            if (counts.Letters != 0) letterMoves++;
            split += counts.Split;
            pending += counts.Derived;
            foreach (RetryWrite deferral in deferred)
            {
                WaitingStatus state = deferral.After is null ? WaitingStatus.Parked : WaitingStatus.Retrying;
                if (waited.Contains(deferral.Sequence)) Renew(partition, deferral.Sequence, state);
                else Defer(partition, deferral.Sequence, state);
            }
        }
        Moved?.Invoke();
    }

    private void Defer(OwnedPartition partition, long sequence, WaitingStatus state)
    {
        if (partition.LeasedEarly.Remove(sequence)) retrying++;
        else if (partition.IsVoid) pending++;        // lost before the answer came: the entry waits for the next owner, maybe this member
        else
        {
            partition.Waiting[sequence] = state;
            Move(state, 1);
        }
    }

    /// <summary>Changes the status of a counted entry, unless its partition was lost or it was leased before the answer came.</summary>
    private void Renew(OwnedPartition partition, long sequence, WaitingStatus state)
    {
        if (!partition.Waiting.TryGetValue(sequence, out WaitingStatus before)) return;
        partition.Waiting[sequence] = state;
        Move(before, -1);
        Move(state, 1);
    }

    /// <summary>Gives up a partition: its waiting entries count as pending.</summary>
    public void Void(OwnedPartition partition)
    {
        lock (Sync)
        {
            if (partition.IsVoid) return;
            partition.IsVoid = true;
            moves++;
            foreach (WaitingStatus state in partition.Waiting.Values) Move(state, -1);
            pending += partition.Waiting.Count;
            partition.Waiting.Clear();
        }
    }

    /// <summary>Gives up a partition, unless an item of it is in flight.</summary>
    /// <returns>Whether the partition was given up.</returns>
    public bool TryVoid(OwnedPartition partition, Func<OwnedPartition, bool>? isResting)
    {
        lock (Sync)
        {
            if (partition.IsVoid || partition.UnderWay > 0 || isResting?.Invoke(partition) == false) return false;
            Void(partition);
            return true;
        }
    }

    /// <summary>Adds an acquired partition: its waiting entries counted as pending before.</summary>
    public void Take(OwnedPartition partition)
    {
        lock (Sync)
        {
            moves++;
            foreach (WaitingStatus state in partition.Waiting.Values) Move(state, 1);
            pending -= partition.Waiting.Count;
        }
    }

    /// <summary>Counts items in flight as pending: their partition was lost.</summary>
    public void Discard(long roots)
    {
        lock (Sync) (inFlight, pending, moves) = (inFlight - roots, pending + roots, moves + 1);
        Moved?.Invoke();
    }

    /// <summary>Counts a failed item as cancelled that was settled before its start.</summary>
    public void FailFree()
    {
        lock (Sync) (completed, cancelled) = (completed - 1, cancelled + 1);
    }

    /// <summary>How many suspects this member knows.</summary>
    public long Suspects
    {
        get { lock (Sync) return suspect; }
    }

    /// <summary>Counts the suspects of these partitions as pending: the store has none there for this member.</summary>
    public void ForgetSuspects(OwnedPartition[] partitions)
    {
        lock (Sync)
        {
            foreach (OwnedPartition partition in partitions)
                foreach ((long sequence, WaitingStatus state) in partition.Waiting)
                {
                    if (state != WaitingStatus.Suspect) continue;
                    partition.Waiting.Remove(sequence);
                    Move(state, -1);
                    pending++;
                    moves++;
                }
        }
    }

    /// <summary>Counts items in no store that are handed to the pipeline.</summary>
    public void StartLocal(long count)
    {
        lock (Sync) (pending, inFlight) = (pending - count, inFlight + count);
    }

    public void SettleLocal(long completed, long skipped, long cancelled)
    {
        lock (Sync)
        {
            inFlight -= completed + skipped + cancelled;
            inNoStore -= completed + skipped + cancelled;
            (this.completed, this.skipped, this.cancelled) = (this.completed + completed, this.skipped + skipped,
                this.cancelled + cancelled);
        }
        Moved?.Invoke();
    }

    /// <summary>Removes a failed item that was in no store: it is in a store now, and counted there as accepted.</summary>
    public void StoreLocal()
    {
        lock (Sync) (accepted, inFlight, inNoStore) = (accepted - 1, inFlight - 1, inNoStore - 1);
        Moved?.Invoke();
    }

    public ConsecutorSnapshot Snapshot(string name, ConsecutorStatus state, RunSnapshot? run, string? problem, string? loss)
    {
        lock (Sync)
        {
            // Items that other processes have sent, or that are not counted yet, first appear in a lease.
            long unseen = Math.Max(0, -(pending + behind));
            long early = Math.Max(0, -retrying);     // leased again before the end of the attempt before is counted
            return new(name, state, run)
            {
                Accepted = accepted + behind + unseen,
                Pending = pending + behind + unseen,
                Completed = completed,
                Skipped = skipped,
                Dead = dead,
                Cancelled = cancelled,
                InFlight = inFlight - early,
                Retrying = retrying + early,
                Parked = parked,
                Suspect = suspect,
                Split = split,
                Problem = problem,
                Loss = loss,
            };
        }
    }
}
