namespace Sluice.Delivery;

/// <summary>The rounds of a consecutor that keeps state or an order by key: decides which round runs next, and collects finished ones. A
/// partition has one round at a time.</summary>
/// <remarks>Thread-safe. The pump begins rounds, and the committer judges them. The other objects of a partition (its scope, its order)
/// belong to the one of the two whose turn it is.</remarks>
internal sealed partial class Rounds(ConsecutorCore core)
{
    private const int MaxItems = 512;               // so that their rows and outputs mostly fit into one commit
    private const int MaxWaiting = 10_000;
    private const int MaxSpare = 4096;
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private readonly Lock sync = new();
    private readonly Queue<Round> again = new();
    private readonly HashSet<int> running = [];
    private readonly Stack<RoundItem> spare = new();
    private List<Round> over = [];
    private readonly RoundPace pace = new(MaxItems);       // under sync
    private readonly RoundPace paceOfTimers = new(PartitionScope.MaxTimers);       // under sync
    private readonly CommitLimit size = new(MaxItems);     // under sync
    private int rotation;
    private bool mayAct;                             // whether stages may act by themselves; used by the pump
    private bool isDuesTurn;
    private bool isTurnOwed;
    private long looked;
    private volatile string? endProblem;
    private volatile OwnedPartition? held;           // that waited for failed items when the pump looked last

    /// <summary>Queues leased entries until their round begins.</summary>
    public void Enqueue(OwnedPartition partition, ReadOnlySpan<Entry> entries)
    {
        var items = new RoundItem[entries.Length];
        lock (sync)
        {
            for (int i = 0; i < items.Length; i++) items[i] = spare.TryPop(out RoundItem? used) ? used : new();
        }
        bool isSorted = true;
        for (int i = 0; i < items.Length; i++)
        {
            ref readonly Entry entry = ref entries[i];
            EntryHeaders headers = core.Listeners.HeadersOf(entry);
            bool isDamaged = partition.Damaged.ContainsKey(entry.Sequence);
            ulong key = isDamaged ? 0 : partition.Order!.KeyOf(entry, headers);
            if (isDamaged) partition.Order!.Forget(entry.Sequence);
            else partition.Order!.Remove(entry.Sequence, key);
            items[i].Set(entry, headers, key);
            isSorted &= i == 0 || entry.Sequence > entries[i - 1].Sequence;
        }
        // A lease has retries first, but within their key they keep their old place.
        if (!isSorted) Array.Sort(items, static (one, other) => one.Entry.Sequence.CompareTo(other.Entry.Sequence));
        lock (sync)
        {
            foreach (RoundItem item in items)
            {
                partition.Leased.Enqueue(item);
                if (takesTurns || !core.Recorder.CountsOnOneRun || item.Headers.Node is null) continue;
                takesTurns = true;
                turnBegan = core.Time.GetTimestamp();
            }
        }
        if (partition.IsVoid) Drop(partition);       // lost just now
    }

    /// <summary>The problem that keeps partitions from being processed, as a text for people; null if there is none.</summary>
    /// <remarks>The order of a partition belongs to others: its count may be the one of a moment ago.</remarks>
    public string? Problem => held is { Order.Count: > 0 } partition ? WhyHeldUp(partition) : endProblem ?? SlowTurn;

    /// <summary>Whether no round is running. A round without entries does not count as in flight.</summary>
    public bool AreOver
    {
        get { lock (sync) return running.Count == 0; }
    }

    /// <summary>Whether the partition has neither leased entries nor a running round.</summary>
    public bool IsResting(OwnedPartition partition)
    {
        lock (sync) return partition.Leased.Count == 0 && !running.Contains(partition.Number);
    }

    private bool IsHeldUp(OwnedPartition partition)
        => partition.Order!.Count is > 0 and var count && (!core.Stream.IsKeyed || count >= MaxWaiting);

    private string WhyHeldUp(OwnedPartition partition) => core.Stream.IsKeyed
        ? $"In partition {partition.Number}, {partition.Order!.Count:N0} items wait behind items of their keys that have failed, as many "
        + $"as may: no other item of the partition is leased until some of them have ended."
        : $"Partition {partition.Number} waits for an item that has failed and is to be tried again: without keys, order holds for the "
        + $"whole partition. Give the consecutor a Key, and only its key waits.";

    /// <summary>Takes the time that decides what is due, so that nothing becomes due unseen between a look and a wait. Used by the
    /// pump.</summary>
    public void Look() => looked = core.Time.GetTimestamp();

    /// <summary>Returns the next round that can begin; null if there is none now. Used by the pump.</summary>
    public Round? TryBegin()
    {
        OwnedPartition[] owned = core.Partitions.Owned;
        mayAct = core.Pump.MayBegin && !core.Sinks.AreWaiting && core.Alone.MayWork();
        lock (sync)
        {
            if (again.TryDequeue(out Round? repeated)) return repeated.BeginAt(core.Time.GetTimestamp());
            TakeTurns(owned);
            for (int i = 0; i < owned.Length; i++)
            {
                OwnedPartition partition = owned[rotation = (rotation + 1) % owned.Length];
                if (running.Contains(partition.Number)) continue;
                if (TakeItems(partition) is not { } round) continue;
                running.Add(partition.Number);
                turn.Remove(partition.Number);
                return partition.Scope!.Round = round.BeginAt(core.Time.GetTimestamp());
            }
        }
        return null;
    }

    private long AfterNow(TimeSpan wait) => core.Time.GetTimestamp() + (long)Math.Ceiling(wait.TotalSeconds * core.Time.TimestampFrequency);

    /// <summary>How long after the last <see cref="Look"/> an instance is due to act, or an entry that holds up others is due for its
    /// retry; null if nothing is ahead. Work that was due at the last <see cref="Look"/> waits for a signal instead.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            long? first = null;
            foreach (OwnedPartition partition in core.Partitions.Owned)
            {
                Earliest(partition.Scope!.NextDue(looked));
                Earliest(partition.EndAt);
                Earliest(TurnEndOf(partition));
                if (IsResting(partition) && IsHeldUp(partition)) Earliest(partition.Order!.RetryAt);
            }
            if (first is not { } due) return null;
            return core.Time.GetElapsedTime(looked, due);

            void Earliest(long? at) => first = at > looked && (first is null || at < first) ? at : first;
        }
    }

    /// <summary>Hands a finished round to the committer. Any thread.</summary>
    public void Over(Round round)
    {
        TimeSpan lasted = core.Time.GetElapsedTime(round.BegunAt);
        lock (sync)
        {
            over.Add(round);
            pace.Learn(round.Remaining.Count(), lasted);
            if (round.Turn is { FiredAt: { } firedAt } timers) paceOfTimers.Learn(timers.Taken, core.Time.GetElapsedTime(firedAt));
        }
        core.ToCommit.Set();
    }

    /// <summary>Takes all finished rounds. Used by the committer.</summary>
    public List<Round> TakeOver()
    {
        lock (sync)
        {
            List<Round> taken = over;
            over = [];
            return taken;
        }
    }

    /// <summary>Runs a round again, without the entries that have a verdict.</summary>
    public void Repeat(Round round)
    {
        lock (sync) again.Enqueue(round);
        core.Pump.Changed();
    }

    /// <summary>Runs a round again without its only item, which is too large by itself.</summary>
    public void RepeatWithout(Round round)
    {
        lock (sync) size.HaveFoundCause();
        Repeat(round);
    }

    /// <summary>Divides a round that is too large for one commit: its remaining entries run in two rounds, and later rounds are
    /// smaller.</summary>
    /// <param name="round">The round.</param>
    /// <param name="isTooLarge">Whether its commit was too large; otherwise one of its items is to be found.</param>
    public void Divide(Round round, bool isTooLarge)
    {
        OwnedPartition partition = round.Partition;
        List<RoundItem> remaining = [.. round.Remaining];
        int first = remaining.Count / 2;
        lock (sync)
        {
            if (isTooLarge) size.TooLarge(remaining.Count);
            else size.Lower(first);
            RoundItem[] waiting = [.. partition.Leased];
            partition.Leased.Clear();
            foreach (RoundItem item in remaining.Skip(first).Concat(waiting)) partition.Leased.Enqueue(item);
        }
        foreach (RoundItem item in remaining.Skip(first)) round.Items.Remove(item);
        if (partition.IsVoid) Drop(partition);       // lost just now
        Repeat(round);
    }

    /// <summary>Ends a round whose commit is applied or void.</summary>
    public void End(Round round, bool isCommitted)
    {
        bool areOver;
        lock (sync)
        {
            int count = round.Items.Count;
            running.Remove(round.Partition.Number);
            areOver = running.Count == 0;
            if (round.FiresTimers) round.Partition.Scope!.EndTurn(round.HasMoreTimers ? null : AfterNow(TurnOfOthers));
            foreach (RoundItem item in round.Items)
            {
                if (spare.Count == MaxSpare) break;
                item.Set(default, default, 0);
                spare.Push(item);
            }
            if (isCommitted && count > 0) size.HaveCommitted(count);
        }
        if (areOver) core.InFlight.Quiet.Set();      // a stop waits for rounds without items, too
        core.Pump.Changed();
        core.Partitions.Rest(round.Partition);
    }

    /// <summary>Drops leased entries that no round has begun, because the partition is lost.</summary>
    public void Drop(OwnedPartition partition)
    {
        int dropped;
        lock (sync)
        {
            dropped = partition.Leased.Count;
            partition.Leased.Clear();
        }
        if (dropped == 0) return;
        core.Ledger.Discard(dropped);
        core.Partitions.End(partition, dropped);
    }

    private Round? TakeItems(OwnedPartition partition)
    {
        NextRound next = NextOf(partition);
        if (next == NextRound.None || !HasTurn(partition, next)) return null;
        bool isEntrance = next == NextRound.Entrances;
        PartitionScope scope = partition.Scope!;
        if (next == NextRound.Timers)
            return new(this, core.Options.Delivery, partition, [], isEntrance)
            {
                FiresTimers = true,
                MaxTimers = Math.Min(scope.TimersAtOnce.Value, paceOfTimers.Items)
            };
        scope.EndTurn(null);
        partition.IsAtEnd = false;                   // ask the store again before the next stage ends: emissions may have failed
        if (next is NextRound.Due or NextRound.End)
            return new(this, core.Options.Delivery, partition, [], isEntrance)
            {
                IsEnding = next == NextRound.End,
                MaxEndingKeys = scope.EndsAtOnce.Value
            };
        int most = Math.Min(size.Value, pace.Items);
        var items = new List<RoundItem>(Math.Min(most, partition.Leased.Count));
        while (items.Count < most && partition.Leased.TryPeek(out RoundItem? item) && item.Headers.Node is not null == isEntrance)
            items.Add(partition.Leased.Dequeue());
        return new(this, core.Options.Delivery, partition, items, isEntrance);
    }

    private NextRound NextOf(OwnedPartition partition)
    {
        PartitionScope scope = partition.Scope!;
        bool mayActHere = mayAct && !partition.IsLeaving;
        // Due timers fire before items that were leased later. Then items have a turn, because a timer may set itself again for now.
        // At the end of the input, stages come first.
        if (mayActHere && scope.AreTimersDue(looked) && !scope.TimersHadTurn && !partition.IsAtEnd) return NextRound.Timers;
        if (partition.Leased.TryPeek(out RoundItem? item)) return item.Headers.Node is null ? NextRound.Items : NextRound.Entrances;
        if (!mayActHere) return NextRound.None;
        if (scope.IsDue(looked)) return NextRound.Due;
        // Stages end on the pump, and other rounds are in them.
        if (partition.IsAtEnd) return running.Count > 0 ? NextRound.None : NextRound.End;
        return core.KeepsTime && !scope.HasBegun ? NextRound.Due : NextRound.None;
    }

    /// <summary>What the next round of a partition is about.</summary>
    private enum NextRound
    {
        None,
        Timers,

        /// <summary>A stage acts because its time has come, or reads its state to know when.</summary>
        Due,

        /// <summary>A stage emits what it holds, because the input has ended.</summary>
        End,
        Items,

        /// <summary>Items that enter in the middle: they go through their own run, so they need their own rounds.</summary>
        Entrances,
    }
}
