namespace Sluice;

/// <summary>Where every accepted item is. Moves are made under one lock, so that a snapshot always adds up.</summary>
/// <remarks>
/// Thread-safe. <see cref="Sync"/> also guards what partitions know of their waiting entries. What waits and is not known there is pending, wherever it came from: so a
/// partition that is lost, and taken again, has as much as before.
/// </remarks>
internal sealed class ItemLedger
{
    private long accepted, completed, skipped, dead, cancelled, pending, inFlight, retrying, parked, suspect, split;
    private long moves;
    private long inNoStore;                          // of what has been accepted and has not ended

    public Lock Sync { get; } = new();

    /// <summary>Woken when something has moved.</summary>
    public event Action? Moved;

    public long Dead
    {
        get { lock (Sync) return dead; }
    }

    /// <summary>What the store says at a moment at which nothing is under way here. What is in no other place was cancelled.</summary>
    public void Load(long accepted, long pending, PartitionCounts ended, long dead, long retrying, long parked, long suspect)
    {
        lock (Sync) Set(accepted, pending, ended, dead, retrying, parked, suspect);
        Moved?.Invoke();
    }

    /// <summary>The same, if nothing has moved here since the store was asked, and nothing is under way.</summary>
    /// <param name="seen">What <see cref="Moves"/> was before.</param>
    /// <param name="owned">What this member has.</param>
    /// <param name="accepted">By all members.</param>
    /// <param name="outstanding">Of that, what has not ended.</param>
    /// <param name="ended">What has.</param>
    /// <param name="dead">Dead letters.</param>
    /// <returns>Whether it was done.</returns>
    public bool TryLoad(long seen, OwnedPartition[] owned, long accepted, long outstanding, PartitionCounts ended, long dead)
    {
        lock (Sync)
        {
            if (moves != seen || inFlight > 0) return false;
            (long retrying, long parked, long suspect) = (Count(WaitingStatus.Retrying), Count(WaitingStatus.Parked), Count(WaitingStatus.Suspect));
            Set(accepted, outstanding - retrying - parked - suspect, ended, dead, retrying, parked, suspect);
            return true;
        }

        long Count(WaitingStatus state) => owned.Sum(partition => (long)partition.Waiting.Values.Count(waiting => waiting == state));
    }

    private void Set(long accepted, long pending, PartitionCounts ended, long dead, long retrying, long parked, long suspect)
    {
        moves++;
        (this.accepted, this.pending, completed, skipped, split) = (accepted, pending, ended.Completed, ended.Skipped, ended.Split);
        (this.dead, this.retrying, this.parked, this.suspect, inFlight) = (dead, retrying, parked, suspect, 0);
        cancelled = accepted + split - pending - completed - skipped - dead - retrying - parked - suspect;
    }

    public void Accept(long count)
    {
        lock (Sync) (accepted, pending, moves) = (accepted + count, pending + count, moves + 1);
    }

    /// <summary>The same for items that are in no store.</summary>
    public void AcceptLocal(long count)
    {
        lock (Sync) (accepted, pending, inNoStore) = (accepted + count, pending + count, inNoStore + count);
    }

    /// <summary>Changes whenever something has moved.</summary>
    public long Moves
    {
        get { lock (Sync) return moves; }
    }

    /// <summary>Whether everything that has not ended is in no store, so far as is known here.</summary>
    public bool IsStoreEmpty
    {
        get { lock (Sync) return pending + inFlight + retrying + parked + suspect == inNoStore; }
    }

    /// <summary>Whether everything has ended, so far as is known here.</summary>
    public bool IsIdle
    {
        get { lock (Sync) return Math.Max(0, pending) + inFlight + retrying + parked + suspect == 0; }
    }

    /// <summary>Something has come to rest that is not counted here.</summary>
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
        else pending--;
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

    /// <summary>A commit was applied. Of what is deferred, some was not under way, but has waited before.</summary>
    public void Settle(OwnedPartition partition, CommitCounts counts, IEnumerable<RetryWrite> deferred, IReadOnlySet<long> waited)
    {
        lock (Sync)
        {
            moves++;
            inFlight -= counts.Roots;
            (completed, skipped, cancelled) = (completed + counts.Completed, skipped + counts.Skipped, cancelled + counts.Cancelled);
            dead += counts.Letters;
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
        else if (partition.IsVoid) pending++;        // lost before the answer came: it waits for its next owner, who may be us
        else
        {
            partition.Waiting[sequence] = state;
            Move(state, 1);
        }
    }

    /// <summary>It is counted already: here, or where it went when the partition was lost, or it was leased before the answer came.</summary>
    private void Renew(OwnedPartition partition, long sequence, WaitingStatus state)
    {
        if (!partition.Waiting.TryGetValue(sequence, out WaitingStatus before)) return;
        partition.Waiting[sequence] = state;
        Move(before, -1);
        Move(state, 1);
    }

    /// <summary>A partition is not ours any more: what waits in it is somebody's.</summary>
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

    /// <summary>A partition is given to somebody else, if nothing of it is under way.</summary>
    /// <returns>Whether it is not ours any more.</returns>
    public bool TryVoid(OwnedPartition partition, Func<OwnedPartition, bool>? isResting)
    {
        lock (Sync)
        {
            if (partition.IsVoid || partition.UnderWay > 0 || isResting?.Invoke(partition) == false) return false;
            Void(partition);
            return true;
        }
    }

    /// <summary>A partition was taken while the books are kept: what waits in it was somebody's.</summary>
    public void Take(OwnedPartition partition)
    {
        lock (Sync)
        {
            moves++;
            foreach (WaitingStatus state in partition.Waiting.Values) Move(state, 1);
            pending -= partition.Waiting.Count;
        }
    }

    /// <summary>Roots whose partition is not ours any more.</summary>
    public void Discard(long roots)
    {
        lock (Sync) (inFlight, pending, moves) = (inFlight - roots, pending + roots, moves + 1);
        Moved?.Invoke();
    }

    /// <summary>Items that were let go of before they were started, and have failed.</summary>
    public void FailFree()
    {
        lock (Sync) (completed, cancelled) = (completed - 1, cancelled + 1);
    }

    /// <summary>How many suspects are known of.</summary>
    public long Suspects
    {
        get { lock (Sync) return suspect; }
    }

    /// <summary>The store has no suspects in these partitions: those that are known of are somebody else's.</summary>
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

    /// <summary>Items that are in no store are handed to the pipeline.</summary>
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
            (this.completed, this.skipped, this.cancelled) = (this.completed + completed, this.skipped + skipped, this.cancelled + cancelled);
        }
        Moved?.Invoke();
    }

    /// <summary>An item that failed is in a store now, and counted as accepted there.</summary>
    public void StoreLocal()
    {
        lock (Sync) (accepted, inFlight, inNoStore) = (accepted - 1, inFlight - 1, inNoStore - 1);
        Moved?.Invoke();
    }

    public void Redrive(long letters)
    {
        lock (Sync) (dead, pending, moves) = (dead - letters, pending + letters, moves + 1);
        Moved?.Invoke();
    }

    public void Delete(long letters)
    {
        lock (Sync) (dead, cancelled, moves) = (dead - letters, cancelled + letters, moves + 1);
        Moved?.Invoke();
    }

    public ConsecutorSnapshot Snapshot(string name, ConsecutorStatus state, RunSnapshot? run, string? problem, string? loss)
    {
        lock (Sync)
        {
            // What others have accepted, or what is not counted here yet, shows first when it is leased.
            long unseen = Math.Max(0, -pending);
            long early = Math.Max(0, -retrying);     // leased again before the end of the attempt before is counted
            return new(name, state, run)
            {
                Accepted = accepted + unseen,
                Pending = pending + unseen,
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

/// <summary>What a commit moves in the books.</summary>
internal record struct CommitCounts(long Roots, long Completed, long Skipped, long Cancelled, long Letters, long Split, long Derived);
