namespace Sluice;

/// <summary>The epochs of a consecutor that keeps state, or an order by key: which are to be run, and which are over. A partition has one at a time.</summary>
/// <remarks>Thread-safe. Begun by the pump, judged by the committer; what a partition has besides (its scope, its order) belongs to the one of the two whose turn it is.</remarks>
internal sealed partial class Epochs(ConsecutorCore core)
{
    private const int MaxItems = 512;               // so that their rows and outputs are mostly no more than a commit may have
    private const int MaxWaiting = 10_000;
    private const int MaxSpare = 4096;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Lock sync = new();
    private readonly Queue<Epoch> again = new();
    private readonly HashSet<int> running = [];
    private readonly Stack<EpochItem> spare = new();
    private List<Epoch> over = [];
    private int size = MaxItems;
    private int rotation;
    private bool isDuesTurn;
    private bool isTurnOwed;
    private long looked;
    private volatile string? endProblem;

    /// <summary>Where leased entries wait for their epoch.</summary>
    public void Enqueue(OwnedPartition partition, ReadOnlySpan<Entry> entries)
    {
        var items = new EpochItem[entries.Length];
        lock (sync)
        {
            for (int i = 0; i < items.Length; i++) items[i] = spare.TryPop(out EpochItem? used) ? used : new();
        }
        bool isSorted = true;
        for (int i = 0; i < items.Length; i++)
        {
            ref readonly Entry entry = ref entries[i];
            ulong key = partition.Order!.KeyOf(entry);
            partition.Order.Remove(entry.Sequence, key);
            items[i].Set(entry, entry.Headers.IsEmpty ? default : EntryHeaders.Read(entry.Headers.Span), key);
            isSorted &= i == 0 || entry.Sequence > entries[i - 1].Sequence;
        }
        // Retries come first in a lease; in their key they have their old place.
        if (!isSorted) Array.Sort(items, static (one, other) => one.Entry.Sequence.CompareTo(other.Entry.Sequence));
        lock (sync)
        {
            foreach (EpochItem item in items) partition.Leased.Enqueue(item);
        }
        if (partition.IsVoid) Drop(partition);       // lost just now
    }

    /// <summary>What keeps partitions from being worked on; null if nothing does.</summary>
    public string? Problem
    {
        get => field ?? endProblem;
        private set;
    }

    /// <summary>The partitions whose next entries may be leased: those with no epoch under way, in which not too many wait for what has failed. From others only what is due.</summary>
    /// <param name="owned">All.</param>
    /// <param name="most">How many entries are wanted.</param>
    /// <returns>The partitions, and how many entries to lease.</returns>
    public (OwnedPartition[] Partitions, int Most) Choose(OwnedPartition[] owned, int most)
    {
        OwnedPartition[] resting = Array.FindAll(owned, IsResting);
        OwnedPartition[] heldUp = Array.FindAll(resting, IsHeldUp);
        isTurnOwed = false;
        Problem = heldUp.Length == 0 ? null : WhyHeldUp(heldUp[0]);
        if (heldUp.Length == 0) return (resting, most);

        // What is due comes first in a lease: one entry is the one that is tried again. By turns with the others.
        OwnedPartition[] others = Array.FindAll(resting, partition => !IsHeldUp(partition));
        OwnedPartition[] due = Array.FindAll(heldUp, partition => partition.Order!.RetryAt is { } at && at <= looked);
        EndTurns(Array.FindAll(heldUp, partition => !due.Contains(partition)));          // nothing of them can be had: no turn to wait for
        isDuesTurn = due.Length > 0 && (!isDuesTurn || others.Length == 0);
        isTurnOwed = due.Length > 0 && !isDuesTurn;
        return isDuesTurn ? (due, 1) : (others, most);
    }

    /// <summary>Whether something is due that was passed over for the others: if they have nothing, it is asked for before anybody sleeps. True once. The pump's.</summary>
    public bool TakeTurnOwed()
    {
        bool isOwed = isTurnOwed;
        isTurnOwed = false;
        return isOwed;
    }

    /// <summary>Whether no epoch is under way; one that has no items is not among what is in flight.</summary>
    public bool AreOver
    {
        get { lock (sync) return running.Count == 0; }
    }

    /// <summary>Whether nothing of it is leased, and no epoch under way.</summary>
    public bool IsResting(OwnedPartition partition)
    {
        lock (sync) return partition.Leased.Count == 0 && !running.Contains(partition.Number);
    }

    private bool IsHeldUp(OwnedPartition partition) => partition.Order!.Count is > 0 and var count && (!core.IsKeyed || count >= MaxWaiting);

    private string WhyHeldUp(OwnedPartition partition) => core.IsKeyed
        ? $"In partition {partition.Number}, {partition.Order!.Count:N0} items wait behind items of their keys that have failed, as many as may: nothing else of the partition is taken up until some of them have ended."
        : $"Partition {partition.Number} waits for an item that has failed and is to be tried again: without keys, order holds for the whole partition. Give the consecutor a Key, and only its key waits.";

    /// <summary>What is due from here on is ahead: so nothing becomes due unseen between a look and a wait. The pump's.</summary>
    public void Look() => looked = core.Time.GetTimestamp();

    /// <summary>The next epoch that can begin; null if there is none now. The pump's.</summary>
    public Epoch? TryBegin()
    {
        OwnedPartition[] owned = core.Owned;
        lock (sync)
        {
            if (again.TryDequeue(out Epoch? repeated)) return repeated;
            for (int i = 0; i < owned.Length; i++)
            {
                OwnedPartition partition = owned[rotation = (rotation + 1) % owned.Length];
                if (running.Contains(partition.Number)) continue;
                if (TakeItems(partition) is not { } epoch) continue;
                running.Add(partition.Number);
                return partition.Scope!.Epoch = epoch;
            }
        }
        return null;
    }

    /// <summary>The store has nothing for these partitions any more, and never will: stages put out what they hold. The pump's.</summary>
    /// <returns>Whether some are to.</returns>
    public bool EndInput(OwnedPartition[] partitions)
    {
        core.IsInputComplete = true;
        if (!core.KeepsState) return false;
        OwnedPartition[] ending = Array.FindAll(partitions, partition => !partition.Scope!.HasEnded && !partition.IsVoid && !(partition.EndAt > looked));
        foreach (OwnedPartition partition in ending) partition.IsAtEnd = true;
        return ending.Length > 0;
    }

    /// <summary>A stage could not put out what it holds: it is asked again, as often as <see cref="DeliveryGuarantee"/> says. The committer's.</summary>
    public void EndLater(OwnedPartition partition, Exception failure)
    {
        if (failure is not PipelineException { InnerException: { } cause } ofNode)
        {
            partition.EndAt = AfterNow(Patience);
            endProblem = $"The store does not say what is to be put out at the end of the input of partition {partition.Number}; it is asked again: {FailureText.Of(failure)}";
            return;
        }
        int failures = ++partition.EndFailures;
        string what = $"The node '{ofNode.Node}' has failed at the end of the input of partition {partition.Number}, {failures} time{(failures == 1 ? "" : "s")}: {FailureText.Of(cause)}";
        if (core.Options.Delivery is { Level: DeliveryLevel.Replay } replay && failures <= replay.Count)
        {
            partition.EndAt = AfterNow(replay.Backoff.WaitBefore(failures, core.Random));
            endProblem = $"{what} It is asked again.";
            return;
        }
        partition.EndAt = AfterNow(TimeSpan.FromDays(1));
        core.Failed?.Invoke(new InvalidOperationException(
            $"{what} The consecutor {core.Name} has stopped. Nothing of that end was committed, and what the node holds is in the store: mend the node, and start the consecutor again, which goes on with the end.", failure));
    }

    /// <summary>One has, and that is committed. The committer's.</summary>
    public void HasEnded(OwnedPartition partition)
    {
        (partition.EndFailures, partition.EndAt) = (0, 0);
        endProblem = null;
    }

    private long AfterNow(TimeSpan wait) => core.Time.GetTimestamp() + (long)Math.Ceiling(wait.TotalSeconds * core.Time.TimestampFrequency);

    /// <summary>How long after the last <see cref="Look"/> an instance wants to act, or something that holds others up is to be tried again; null if nothing is ahead. What was due at the last <see cref="Look"/> waits for something that tells.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            long? first = null;
            foreach (OwnedPartition partition in core.Owned)
            {
                Earliest(partition.Scope!.NextDue);
                Earliest(partition.EndAt);
                Earliest(TurnEndOf(partition));
                if (IsResting(partition) && IsHeldUp(partition)) Earliest(partition.Order!.RetryAt);
            }
            if (first is not { } due) return null;
            return core.Time.GetElapsedTime(looked, due);

            void Earliest(long? at) => first = at > looked && (first is null || at < first) ? at : first;
        }
    }

    /// <summary>Nothing of it is under way. Any thread.</summary>
    public void Over(Epoch epoch)
    {
        lock (sync) over.Add(epoch);
        core.ToCommit.Set();
    }

    /// <summary>The committer's.</summary>
    public List<Epoch> TakeOver()
    {
        lock (sync)
        {
            List<Epoch> taken = over;
            over = [];
            return taken;
        }
    }

    /// <summary>It is run again, without what has a verdict.</summary>
    public void Repeat(Epoch epoch)
    {
        lock (sync) again.Enqueue(epoch);
        core.Changed();
    }

    /// <summary>It is too large for one commit: what is left of it is run in two, and others are smaller from here on.</summary>
    public void Divide(Epoch epoch)
    {
        OwnedPartition partition = epoch.Partition;
        List<EpochItem> remaining = [.. epoch.Remaining];
        int first = remaining.Count / 2;
        lock (sync)
        {
            size = Math.Max(1, Math.Min(size, first));
            EpochItem[] waiting = [.. partition.Leased];
            partition.Leased.Clear();
            foreach (EpochItem item in remaining.Skip(first).Concat(waiting)) partition.Leased.Enqueue(item);
        }
        foreach (EpochItem item in remaining.Skip(first)) epoch.Items.Remove(item);
        if (partition.IsVoid) Drop(partition);       // lost just now
        Repeat(epoch);
    }

    /// <summary>Its commit is applied, or void.</summary>
    public void End(Epoch epoch, bool isCommitted)
    {
        lock (sync)
        {
            running.Remove(epoch.Partition.Number);
            if (epoch.FiresTimers) epoch.Partition.Scope!.EndTurn(epoch.HasMoreTimers ? null : AfterNow(TurnOfOthers));
            foreach (EpochItem item in epoch.Items)
            {
                if (spare.Count == MaxSpare) break;
                item.Set(default, default, 0);
                spare.Push(item);
            }
            if (isCommitted && size < MaxItems) size = Math.Min(MaxItems, size + (size / 8) + 1);
        }
        core.Changed();
        if (epoch.Partition.IsLeaving) core.Members.LetGo();
    }

    /// <summary>The partition is not ours any more: what has been leased of it and not begun is dropped.</summary>
    public void Drop(OwnedPartition partition)
    {
        int dropped;
        lock (sync)
        {
            dropped = partition.Leased.Count;
            partition.Leased.Clear();
        }
        if (dropped == 0) return;
        core.Books.Discard(dropped);
        partition.End(core, dropped);
    }

    private Epoch? TakeItems(OwnedPartition partition)
    {
        PartitionScope scope = partition.Scope!;
        bool mayAct = core.IsLeasing && !core.SinksWait && !partition.IsLeaving, isDue = scope.IsDue(looked);
        // What is due has fired before an item comes that was leased later; then others have a turn, as some set themselves again for now. At the end of the input its stages come first.
        if (mayAct && scope.AreTimersDue(looked) && !scope.TimersHadTurn && !partition.IsAtEnd) return new(core, partition, [], isEntrance: false) { FiresTimers = true };
        if (partition.Leased.Count == 0)
        {
            bool mustLoad = core.KeepsTime && !scope.HasBegun;
            if (!mayAct || !(isDue || mustLoad || partition.IsAtEnd)) return null;
            scope.EndTurn(null);
            bool isEnding = partition.IsAtEnd && !isDue;
            partition.IsAtEnd = false;               // the store is asked again before the next stage ends: what has come out may have failed
            return new(core, partition, [], isEntrance: false) { IsEnding = isEnding };
        }
        partition.IsAtEnd = false;
        scope.EndTurn(null);
        // Items that enter in the middle go through a run of their own, so they have epochs of their own.
        bool isEntrance = partition.Leased.Peek().Headers.Node is not null;
        var items = new List<EpochItem>(Math.Min(size, partition.Leased.Count));
        while (items.Count < size && partition.Leased.TryPeek(out EpochItem? item) && item.Headers.Node is not null == isEntrance) items.Add(partition.Leased.Dequeue());
        return new(core, partition, items, isEntrance);
    }
}
