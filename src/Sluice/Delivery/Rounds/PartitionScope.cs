namespace Sluice.Delivery;

/// <summary>The state of the stages of a consecutor for one of its partitions, and its place in the store.</summary>
/// <param name="core">The consecutor.</param>
/// <param name="partition">The partition.</param>
/// <param name="now">The time of the store: windows continue where another host has left them, whatever the clock of this host
/// says.</param>
internal sealed partial class PartitionScope(ConsecutorCore core, OwnedPartition partition, DateTimeOffset now) : StateScope
{
    private const string ClockNode = "$clock";
    private const string NumberKey = "number";       // key of the row with the last assigned number

    private readonly Lock sync = new();
    private readonly Dictionary<IDue, long> dues = [];                   // those that only need the time
    private readonly Dictionary<IDue, long> idleDues = [];               // those that need an empty partition, too
    private (long Timestamp, long UtcTicks) empty = (long.MinValue, 0);  // when the store had no entries for the partition
    private readonly long start = core.Time.GetTimestamp();
    private long origin = now.UtcTicks;              // the time of day at the start, which may have been later before a restart
    private long stored;                             // the latest time of day that is stored
    private int emitted;
    private volatile IKeyedStateful[] byKey = [];   // those of the instances
    private volatile HeldRows? held;                 // of the other instances
    private volatile bool isRetired;
    private readonly StageEnds ends = new(core.Identity, core.Store, core.Ledger, partition);
    private readonly StateShapes shapes = new(core.State);
    private readonly SpareWork spare = new();

    /// <summary>The most timers that fire in one commit.</summary>
    public const int MaxTimers = 64;

    /// <summary>How many timers fire in one commit. It outlives rounds: what is due at one moment takes many of them.</summary>
    public CommitLimit TimersAtOnce { get; } = new(MaxTimers);

    /// <summary>How many keys of a stage end in one commit.</summary>
    public CommitLimit EndsAtOnce { get; } = new(500);

    /// <summary>The running round. Used by the pump and the committer.</summary>
    public Round? Round { get; set; }

    /// <summary>Whether all stages have emitted the items that they held at the end of the input, and this is committed. Any
    /// thread.</summary>
    public bool HasEnded => ends.AreAll;

    /// <summary>The first timestamp behind <paramref name="looked"/> at which an instance is due to act, or a timer; null if there is
    /// none. An idle input that is due waits for an answer of the store, and does not hide what is due later.</summary>
    public long? NextDue(long looked)
    {
        lock (sync)
        {
            long? first = timersDue > looked ? timersDue : null;
            foreach (long due in dues.Values.Concat(idleDues.Values))
                if (due > looked && !(first <= due)) first = due;
            return first;
        }
    }

    /// <summary>Whether an instance is due to act; timers are asked for separately.</summary>
    public bool IsDue(long looked)
    {
        lock (sync)
            return (dues.Count > 0 && dues.Values.Min() <= looked) || (idleDues.Count > 0 && idleDues.Values.Min() <= empty.Timestamp);
    }

    /// <summary>Notes that the store had no entries for the partition at a timestamp.</summary>
    public void NoteEmpty(long looked)
    {
        lock (sync) empty = (looked, TimeAt(looked).UtcTicks);
    }

    public override StateMemory Memory => core.Options.StateMemory;

    public override DateTimeOffset UtcNow => TimeAt(core.Time.GetTimestamp());

    /// <summary>The time of day at a timestamp.</summary>
    public DateTimeOffset TimeAt(long timestamp)
    {
        lock (sync) return new(origin + core.Time.GetElapsedTime(start, timestamp).Ticks, TimeSpan.Zero);
    }

    /// <summary>Moves the clock ahead. The instances are made anew, and find what is due by it, as after a restart. Used by the pump,
    /// between rounds.</summary>
    public void MoveAhead(TimeSpan lag)
    {
        lock (sync)
        {
            origin += lag.Ticks;
            empty = (long.MinValue, 0);
        }
        Forget();
    }

    public override DateTimeOffset EmptyAt
    {
        get { lock (sync) return new(empty.UtcTicks, TimeSpan.Zero); }
    }

    /// <summary>Loads the stored shapes of nodes that were not moved since.</summary>
    public void Load(IEnumerable<StoredNode> stored) => shapes.Load(stored);

    /// <summary>Releases the rows from the memory budget, because the partition is lost or the consecutor has ended. Any thread.</summary>
    public void Retire()
    {
        isRetired = true;
        Interlocked.MemoryBarrier();                 // instances may be made at this moment: one of the two threads sees the other
        RetireInstances();
    }

    private void RetireInstances()
    {
        foreach (IKeyedStateful cells in byKey) cells.Retire();
        if (held is { } rows) Memory.Forget(rows);
    }

    /// <summary>Returns the rows that have changed since the last call. The caller commits them, or forgets all.</summary>
    /// <exception cref="UnwritableException">A row cannot be written: the caller must forget all.</exception>
    public List<StateRow> Save()
    {
        List<StateRow> rows = [];
        emitted = 0;
        spare.Begin();
        if (loaded is null) return rows;
        for (int number = 0; number < Instances.Count; number++)
        {
            if (TakeEntered(number)) ends.HasEntered(loaded.Remembering[number].StateName, rows);
            if (Remembers(Instances[number]) is not { } remembers) continue;
            (string node, int before) = (loaded.Remembering[number].StateName, rows.Count);
            remembers.Save(new ChangedRows(core.StateSerializers, loaded.Remembering[number].Node, node, rows, spare));
            if (Instances[number] is IHasTimers timed) SaveTimers(timed, loaded.Remembering[number], rows);
            if (rows.Count == before) continue;
            if (remembers is not IKeyedStateful)
                for (int i = before; i < rows.Count; i++) held?.Put(node, rows[i].Key, rows[i].Value?.Length);
            shapes.Save(node, rows);
        }
        bool hasEndedStage = ends.Save(rows);
        if (core.KeepsTime && rows.Count > 0)
        {
            var clock = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(clock, stored = Math.Max(stored, UtcNow.UtcTicks));
            rows.Add(new(ClockNode, "", 0, clock));
            if (number > storedNumber)
            {
                BinaryPrimitives.WriteInt64LittleEndian(clock = new byte[8], storedNumber = number);
                rows.Add(new(ClockNode, NumberKey, 0, clock));
            }
        }
        TellTimers();
        held?.Leave(Memory);
        if (hasEndedStage) ForgetInstances();        // an ended instance takes no more items
        Memory.Trim();
        if (held is not null && Memory.MustTell) core.Lifetime.Warn(WhyFull());
        return rows;
    }

    /// <summary>Notes that the saved changes are committed.</summary>
    public void HaveCommitted()
    {
        spare.HaveCommitted();
        MaxEmissions = Math.Min(InitialMaxEmissions, MaxEmissions + 1);
        if (Round!.Turn is { } turn) TimersAtOnce.HaveCommitted(turn.Taken);
        if (Round.IsEnding) EndsAtOnce.HaveCommitted(Round.EndedKeys);
    }

    /// <summary>Leaves work that may wait out of the next commits.</summary>
    /// <returns>Whether the saved changes have any.</returns>
    public bool TryLeaveOutSpareWork() => spare.TryRest();

    /// <summary>Undoes uncommitted changes: the next round begins with the stored state.</summary>
    public override void Forget()
    {
        ends.Forget();
        shapes.Forget();
        ForgetInstances();
    }

    /// <summary>Lets the next stage emit the items that it holds; the stages upstream of it have ended.</summary>
    public ValueTask EndNextAsync(Root hold) => ends.EndNextAsync(loaded!, this, hold, stopping);

    /// <summary>Whether a stage has emitted an item since the last commit.</summary>
    public bool HasEmitted => Volatile.Read(ref emitted) > 0;

    private void ForgetInstances()
    {
        RetireInstances();
        byKey = [];
        held = null;
        loaded = null;
        emitted = 0;
        base.Forget();
        lock (sync)
        {
            dues.Clear();
            idleDues.Clear();
            timersDue = null;
        }
    }

    /// <summary>Returns the instances that are due. A round that had found the input idle and was undone takes what is due by the clock:
    /// its instances are new, and the store was not asked again whether items wait.</summary>
    public IReadOnlyList<IDue> TakeDue(Round round)
    {
        lock (sync)
        {
            if (dues.Count + idleDues.Count == 0) return [];
            long now = core.Time.GetTimestamp();
            long idle = round.ActsForIdleness ? now : empty.Timestamp;
            List<IDue> due = [.. dues.Where(one => one.Value <= now).Concat(idleDues.Where(one => one.Value <= idle))
                .OrderBy(static one => one.Value).Select(static one => one.Key)];
            foreach (IDue one in due)
                if (!dues.Remove(one)) round.ActsForIdleness |= idleDues.Remove(one);
            return due;
        }
    }

    public override void SetDue(IDue instance, TimeSpan? after, bool isForIdle)
    {
        lock (sync)
        {
            dues.Remove(instance);
            idleDues.Remove(instance);
            if (after is { } wait) (isForIdle ? idleDues : dues)[instance] = AfterNow(wait);
        }
        core.Pump.Changed();
    }

    public override Ticket? Emit<T>(int node, T item)
    {
        Root root = core.Roots.Rent();
        string name = core.Recorder.NameOf(node);
        root.BeginEmission(partition, new Emission<T>(node, name, item, Interlocked.Increment(ref emitted)), core.Store.Generation);
        root.Join(Round!);
        if (!Round!.StoresEmissions) return root;
        root.Fail(new PipelineException(name, null, new InvalidOperationException("It goes on as an item of its own."), node));
        return null;
    }

    private string WhyFull()
        => $"Chunks, windows, groups, aggregates and joins of the consecutor {core.Name} and of those that share its StateMemory "
        + $"take {Memory.HeldBytes:N0} bytes, more than the budget of {Memory.MaxBytes:N0}. "
            + "Such state is always in memory. Make chunks smaller, windows shorter, or the budget larger; until then the rows of keyed "
            + "state are read from the store for each item.";

    private static IEnumerable<IKeyedStateful> ByKeyOf(object instance)
    {
        if (Remembers(instance) is IKeyedStateful cells) yield return cells;
        if (instance is IHasTimers { Timers: var timers }) yield return timers.ByKey;
    }

    private static IStateful? Remembers(object instance) => instance switch
    {
        IStateful remembers => remembers,
        IWraps wraps => Remembers(wraps.Inner),
        _ => null,
    };
}
