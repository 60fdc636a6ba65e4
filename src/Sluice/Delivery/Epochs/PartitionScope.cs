using System.Buffers.Binary;

namespace Sluice;

/// <summary>What the stages of a consecutor remember for one of its partitions, and where that is stored.</summary>
/// <param name="core">The consecutor.</param>
/// <param name="partition">The partition.</param>
/// <param name="now">The store's time: windows go on where another host has left them, whatever the clock of this one says.</param>
internal sealed partial class PartitionScope(ConsecutorCore core, OwnedPartition partition, DateTimeOffset now) : StateScope
{
    private const string ClockNode = "$clock";
    private const string NumberKey = "number";       // of the row with the last number that was given out

    private readonly Lock sync = new();
    private readonly Dictionary<IDue, long> dues = [];
    private readonly long start = core.Time.GetTimestamp();
    private long origin = now.UtcTicks;              // the time of day at the start, which may have been later before a restart
    private long stored;                             // the latest time of day that is
    private int emitted;
    private volatile IKeyedStateful[] byKey = [];   // those of the instances
    private volatile HeldRows? held;                 // of the other instances
    private volatile bool isRetired;
    private readonly StageEnds ends = new(core, partition);
    private readonly StateShapes shapes = new(core.State);

    /// <summary>The epoch that is running; the pump's and the committer's.</summary>
    public Epoch? Epoch { get; set; }

    /// <summary>Whether all stages have put out what they held at the end of the input, and that is committed. Any thread.</summary>
    public bool HasEnded => ends.AreAll;

    /// <summary>A timestamp: when an instance wants to act; null if none does.</summary>
    public long? NextDue
    {
        get
        {
            lock (sync)
            {
                long? first = dues.Count == 0 ? null : dues.Values.Min();
                return timersDue is { } timers && !(first <= timers) ? timers : first;
            }
        }
    }

    /// <summary>Whether an instance wants to act; timers are asked for apart.</summary>
    public bool IsDue(long looked)
    {
        lock (sync) return dues.Count > 0 && dues.Values.Min() <= looked;
    }

    public override StateMemory Memory => core.Options.StateMemory;

    public override DateTimeOffset UtcNow
    {
        get
        {
            lock (sync) return new(origin + core.Time.GetElapsedTime(start).Ticks, TimeSpan.Zero);
        }
    }

    /// <summary>Begins with the shapes that are stored, of nodes that were not moved since.</summary>
    public void Load(IEnumerable<StoredNode> stored) => shapes.Load(stored);

    /// <summary>The partition is not ours any more, or the consecutor has ended: its rows do not count for the memory's budget. Any thread.</summary>
    public void Retire()
    {
        isRetired = true;
        Interlocked.MemoryBarrier();                 // they may be made just now: one of the two sees the other
        RetireInstances();
    }

    private void RetireInstances()
    {
        foreach (IKeyedStateful cells in byKey) cells.Retire();
        if (held is { } rows) Memory.Forget(rows);
    }

    /// <summary>What has changed since the last call: it is committed, or all is forgotten.</summary>
    /// <exception cref="UnwritableException">Some of it cannot be written: all is to be forgotten.</exception>
    public List<StateRow> Save()
    {
        List<StateRow> rows = [];
        emitted = 0;
        if (loaded is null) return rows;
        for (int number = 0; number < Instances.Count; number++)
        {
            if (Remembers(Instances[number]) is not { } remembers) continue;
            (string node, int before) = (loaded.Remembering[number].StateName, rows.Count);
            remembers.Save(new ChangedRows(core.StateSerializers, loaded.Remembering[number].Node, node, rows));
            if (Instances[number] is IHasTimers timed) SaveTimers(timed, loaded.Remembering[number], rows);
            if (rows.Count == before) continue;
            if (remembers is not IKeyedStateful)
                for (int i = before; i < rows.Count; i++) held?.Put(node, rows[i].Key, rows[i].Value?.Length);
            shapes.Save(node, rows);
        }
        int entered = TakeEntered();
        bool hasEndedStage = ends.Save(rows, loaded.Remembering, Epoch is { Items.Count: > 0 } ? entered : 0);
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
        if (hasEndedStage) ForgetInstances();        // one that has ended takes nothing any more
        Memory.Trim();
        if (held is not null && Memory.MustTell) core.Warn(WhyFull());
        return rows;
    }

    /// <summary>What was not committed is undone: the next epoch begins with what is stored.</summary>
    public override void Forget()
    {
        ends.Forget();
        shapes.Forget();
        ForgetInstances();
    }

    /// <summary>The next stage puts out what it holds: those upstream have.</summary>
    public ValueTask EndNextAsync(Root hold) => ends.EndNextAsync(loaded!, this, hold);

    /// <summary>Whether something has come out since the last commit.</summary>
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
            timersDue = null;
        }
    }

    /// <summary>Those whose time has come.</summary>
    public IReadOnlyList<IDue> TakeDue()
    {
        lock (sync)
        {
            if (dues.Count == 0) return [];
            long now = core.Time.GetTimestamp();
            List<IDue> due = [.. dues.Where(one => one.Value <= now).OrderBy(one => one.Value).Select(one => one.Key)];
            foreach (IDue one in due) dues.Remove(one);
            return due;
        }
    }

    public override void SetDue(IDue instance, TimeSpan? after)
    {
        lock (sync)
        {
            if (after is not { } wait) dues.Remove(instance);
            else dues[instance] = AfterNow(wait);
        }
        core.Changed();
    }

    public override Ticket Emit<T>(int node, T item)
    {
        Root root = core.Roots.Rent();
        root.BeginEmission(partition, new Emission<T>(node, core.Recorder.NameOf(node), item, Interlocked.Increment(ref emitted)), core.Store.Generation);
        return root.Join(Epoch!);
    }

    private string WhyFull()
        => $"Chunks, windows, groups, aggregates and joins of the consecutor {core.Name} and of those that share its StateMemory take {Memory.HeldBytes:N0} bytes, more than the budget of {Memory.MaxBytes:N0}. "
            + "Such state is always in memory. Make chunks smaller, windows shorter, or the budget larger; until then the rows of keyed state are read from the store for each item.";

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
