using System.Buffers.Binary;
using System.Runtime.ExceptionServices;

namespace Sluice;

/// <summary>What the stages of a consecutor remember for one of its partitions, and where that is stored.</summary>
/// <param name="core">The consecutor.</param>
/// <param name="partition">The partition.</param>
/// <param name="now">The store's time: windows go on where another host has left them, whatever the clock of this one says.</param>
internal sealed class PartitionScope(ConsecutorCore core, OwnedPartition partition, DateTimeOffset now) : StateScope
{
    private const string ClockNode = "$clock";
    private const int MostRowsAtFirst = 10_000;      // of a node that can read the others later
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Lock sync = new();
    private readonly Dictionary<IDue, long> dues = [];
    private Following? loaded;
    private readonly long start = core.Time.GetTimestamp();
    private long origin = now.UtcTicks;              // the time of day at the start, which may have been later before a restart
    private long stored;                             // the latest time of day that is
    private int emitted;
    private volatile IRemembersByKey[] byKey = [];   // those of the instances
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
        get { lock (sync) return dues.Count == 0 ? null : dues.Values.Min(); }
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

    /// <summary>Has an instance of each stage of a run, with what is stored.</summary>
    public async ValueTask LoadAsync(Following run, CancellationToken cancellation)
    {
        ends.Begin();
        shapes.Begin();
        if (ReferenceEquals(loaded, run))
        {
            foreach (IRemembersByKey cells in byKey) cells.Begin();
            held?.Enter();
            return;
        }
        Forget();
        if (core.KeepsTime && await ReadAsync(ClockNode, "", cancellation).ConfigureAwait(false) is [{ Value: { Length: 8 } clock }])
        {
            stored = BinaryPrimitives.ReadInt64LittleEndian(clock.Span);
            long behind = stored - UtcNow.UtcTicks;
            lock (sync) origin += Math.Max(0, behind);
        }
        await ends.LoadAsync(cancellation).ConfigureAwait(false);
        Begin(run);
        byKey = [.. Instances.Select(Remembers).OfType<IRemembersByKey>()];
        foreach (IRemembersByKey cells in byKey) cells.Begin();
        if (Instances.Any(static instance => Remembers(instance) is not (null or IRemembersByKey))) held = new();
        held?.Enter();
        if (isRetired) RetireInstances();
        for (int number = 0; number < run.Remembering.Count; number++) await LoadAsync(run.Remembering[number].StateName, InstanceOf(number), cancellation).ConfigureAwait(false);
        held?.Tell(Memory);
        loaded = run;
    }

    /// <summary>Whether some rows by key are in the store only: then those that an epoch needs are read together, before it begins.</summary>
    public bool IsPartlyInMemory
    {
        get
        {
            foreach (IRemembersByKey cells in byKey)
                if (!cells.HasAll) return true;
            return false;
        }
    }

    /// <summary>Reads rows that are not in memory: one call of the store for each node, all at the same time.</summary>
    /// <param name="keysOf">The keys that a stage is expected to ask for; null if that is not known. The flag says whether they may be guessed.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask ReadAheadAsync(Func<IRememberingStage, bool, IReadOnlyCollection<string>?> keysOf, CancellationToken cancellation)
    {
        List<(IRemembersByKey Cells, string Node, List<string> Keys, ValueTask<IReadOnlyList<StateRow>> Rows)> reads = [];
        for (int number = 0; number < Instances.Count; number++)
        {
            if (Remembers(Instances[number]) is not IRemembersByKey { HasAll: false } cells || keysOf(loaded!.Remembering[number], !cells.AreGuessesWrong) is not { } wanted) continue;
            List<string> missing = [.. wanted.Where(cells.IsMissing)];
            if (missing.Count == 0) continue;
            string node = loaded.Remembering[number].StateName;
            reads.Add((cells, node, missing, core.Store.ReadStateAsync(core.Group, partition.Number, node, missing, cancellation)));
        }
        Exception? failure = null;
        foreach (var (cells, node, keys, reading) in reads)
        {
            try
            {
                IReadOnlyList<StateRow> rows = await reading.ConfigureAwait(false);
                Take(node, () => cells.Fill(keys, new StoredRows(core.StateSerializers, rows, isComplete: true)));
            }
            catch (Exception e)
            {
                failure = e;                         // all of them are awaited
            }
        }
        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>The partition is not ours any more, or the consecutor has ended: its rows do not count for the memory's budget. Any thread.</summary>
    public void Retire()
    {
        isRetired = true;
        Interlocked.MemoryBarrier();                 // they may be made just now: one of the two sees the other
        RetireInstances();
    }

    private void RetireInstances()
    {
        foreach (IRemembersByKey cells in byKey) cells.Retire();
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
            if (rows.Count == before) continue;
            if (remembers is not IRemembersByKey)
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
        }
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
        lock (sync) dues.Clear();
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
            else dues[instance] = core.Time.GetTimestamp() + (long)Math.Ceiling(wait.TotalSeconds * core.Time.TimestampFrequency);
        }
        core.Changed();
    }

    public override Ticket Emit<T>(int node, T item)
    {
        Root root = core.Roots.Rent();
        root.BeginEmission(partition, new Emission<T>(node, core.Recorder.NameOf(node), item, Interlocked.Increment(ref emitted)), core.Store.Generation);
        return root.Join(Epoch!);
    }

    private async ValueTask LoadAsync(string node, object instance, CancellationToken cancellation)
    {
        if (Remembers(instance) is not { } remembers) return;
        List<StateRow> rows = [];
        bool isComplete = false;
        while (!isComplete && (remembers is not IRemembersByKey || (rows.Count < MostRowsAtFirst && !Memory.IsFull)))
        {
            const int PageSize = 1000;
            IReadOnlyList<StateRow> page = await core.Store.ListStateAsync(core.Group, partition.Number, node, rows.Count == 0 ? null : rows[^1].Key, PageSize, cancellation).ConfigureAwait(false);
            rows.AddRange(page);
            isComplete = page.Count < PageSize;
        }
        if (remembers is not IRemembersByKey byKey) foreach (StateRow row in rows) held?.Put(node, row.Key, row.Value?.Length);
        else
            byKey.ReadWith(async key => new StoredRows(core.StateSerializers, await InsistAsync(node, key).ConfigureAwait(false), isComplete: true));
        Take(node, () => remembers.Restore(new StoredRows(core.StateSerializers, rows, isComplete)));
    }

    private void Take(string node, Action take)
    {
        try
        {
            take();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"The state of {node} in partition {partition.Number} of the consecutor {core.Name} cannot be read by this code: {FailureText.Of(e)} Nothing was changed. Start the code that wrote it, or give this one what it needs to read it.", e);
        }
    }

    /// <summary>While an item is under way: that the store does not answer is not its fault.</summary>
    private async ValueTask<IReadOnlyList<StateRow>> InsistAsync(string node, string key)
    {
        while (true)
        {
            try
            {
                return await ReadAsync(node, key, core.Life).ConfigureAwait(false);
            }
            catch (StreamStoreException e) when (!e.IsPermanent && e is not StoreWentBackException && !partition.IsVoid)
            {
                core.Problem = $"The store does not say what {node} remembers in partition {partition.Number}; it is asked again: {FailureText.Of(e)}";
            }
            await Task.Delay(Patience, core.Time, core.Life).ConfigureAwait(false);
        }
    }

    private ValueTask<IReadOnlyList<StateRow>> ReadAsync(string node, string key, CancellationToken cancellation)
        => core.Store.ReadStateAsync(core.Group, partition.Number, node, [key], cancellation);

    private string WhyFull()
        => $"Chunks, windows, groups, aggregates and joins of the consecutor {core.Name} and of those that share its StateMemory take {Memory.HeldBytes:N0} bytes, more than the budget of {Memory.MaxBytes:N0}. "
            + "Such state is always in memory. Make chunks smaller, windows shorter, or the budget larger; until then the rows of keyed state are read from the store for each item.";

    private static IRemembers? Remembers(object instance) => instance switch
    {
        IRemembers remembers => remembers,
        IWraps wraps => Remembers(wraps.Inner),
        _ => null,
    };
}
