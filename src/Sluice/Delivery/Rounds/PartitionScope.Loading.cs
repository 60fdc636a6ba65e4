using System.Runtime.ExceptionServices;

namespace Sluice.Delivery;

// Reads stored state: all rows of some instances; of others the first rows, and later the rows that a round needs.
internal sealed partial class PartitionScope
{
    private const int MaxRowsAtFirst = 10_000;      // of a node that can read further rows later
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private ItemTracking? loaded;
    private CancellationToken stopping;              // of the run

    /// <summary>Makes an instance of each stage of a run, with its stored state.</summary>
    /// <param name="run">The run.</param>
    /// <param name="anew">Whether all instances are made anew, because a stage ends. It ends the keys of all its lanes in one instance, and
    /// an old instance knows the keys of its own lane only.</param>
    /// <param name="itemsStop">Gives up what items and rounds read until the next call: cancelled when the run stops.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask LoadAsync(ItemTracking run, bool anew, CancellationToken itemsStop, CancellationToken cancellation)
    {
        stopping = itemsStop;
        ends.Begin();
        shapes.Begin();
        if (!anew && ReferenceEquals(loaded, run))
        {
            foreach (IKeyedStateful cells in byKey) cells.Begin();
            held?.Enter();
            await BeginTimersAsync(ends.IsUnderWay, cancellation).ConfigureAwait(false);
            return;
        }
        Forget();
        await LoadClockAsync(cancellation).ConfigureAwait(false);
        await ends.LoadAsync(cancellation).ConfigureAwait(false);
        Begin(run);
        byKey = [.. Instances.SelectMany(ByKeyOf)];
        foreach (IKeyedStateful cells in byKey) cells.Begin();
        if (Instances.Any(static instance => Remembers(instance) is not (null or IKeyedStateful))) held = new();
        held?.Enter();
        if (isRetired) RetireInstances();
        // Each commit ends some keys only, and discards the instances: the rows of all keys would be read again for each.
        bool readsByKey = anew || ends.IsUnderWay;
        for (int number = 0; number < run.Remembering.Count; number++)
        {
            string node = run.Remembering[number].StateName;
            if (Remembers(InstanceOf(number)) is { } remembers)
                await LoadAsync(node, remembers, readsByKey, cancellation).ConfigureAwait(false);
            if (InstanceOf(number) is IHasTimers { Timers: var timers })
                await LoadAsync(ITimerRows.NodeByKey(node), timers.ByKey, readsByKey, cancellation).ConfigureAwait(false);
        }
        held?.Tell(Memory);
        loaded = run;
        await BeginTimersAsync(readsByKey, cancellation).ConfigureAwait(false);
    }

    private async ValueTask LoadClockAsync(CancellationToken cancellation)
    {
        if (!core.KeepsTime) return;
        foreach (StateRow row in await core.Store.ReadStateAsync(core.Group, partition.Number, ClockNode, ["", NumberKey], cancellation)
            .ConfigureAwait(false))
        {
            if (row.Value is not { Length: 8 } bytes) continue;
            long value = BinaryPrimitives.ReadInt64LittleEndian(bytes.Span);
            if (row.Key.Length > 0)
            {
                (number, storedNumber) = (Math.Max(number, value), value);
                continue;
            }
            stored = value;
            long behind = stored - UtcNow.UtcTicks;
            lock (sync) origin += Math.Max(0, behind);
        }
    }

    /// <summary>Whether some rows by key are in the store only. The rows that a round needs are then read together, before it
    /// begins.</summary>
    public bool IsPartlyInMemory
    {
        get
        {
            foreach (IKeyedStateful cells in byKey)
                if (!cells.HasAll) return true;
            return false;
        }
    }

    /// <summary>Reads rows that are not in memory, with one call of the store for each node, all in parallel.</summary>
    /// <param name="keysOf">Returns the keys that a stage is expected to ask for; null if unknown. The flag says whether keys may be
    /// guessed.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask ReadAheadAsync(Func<IStatefulStage, bool, IReadOnlyCollection<string>?> keysOf, CancellationToken cancellation)
    {
        List<(IKeyedStateful Cells, string Node, List<string> Keys, ValueTask<IReadOnlyList<StateRow>> Rows)> reads = [];
        for (int number = 0; number < Instances.Count; number++)
        {
            string node = loaded!.Remembering[number].StateName;
            foreach (IKeyedStateful cells in ByKeyOf(Instances[number]))
            {
                if (cells.HasAll || keysOf(loaded.Remembering[number], !cells.AreGuessesWrong) is not { } wanted) continue;
                List<string> missing = [.. wanted.Where(cells.IsMissing)];
                if (missing.Count == 0) continue;
                string its = cells == Instances[number] ? node : ITimerRows.NodeByKey(node);
                reads.Add((cells, its, missing, core.Store.ReadStateAsync(core.Group, partition.Number, its, missing, cancellation)));
            }
        }
        Exception? failure = null;
        foreach (var (cells, node, keys, reading) in reads)
        {
            try
            {
                IReadOnlyList<StateRow> rows = await reading.ConfigureAwait(false);
                Take(node, rows, isComplete: true, stored => cells.Fill(keys, stored));
            }
            catch (Exception e)
            {
                failure = e;                         // all of them are awaited
            }
        }
        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
    }

    private async ValueTask LoadAsync(string node, IStateful remembers, bool readsByKey, CancellationToken cancellation)
    {
        List<StateRow> rows = [];
        bool isComplete = false;
        while (!isComplete && (remembers is not IKeyedStateful || (rows.Count < MaxRowsAtFirst && !readsByKey && !Memory.IsFull)))
        {
            const int PageSize = 1000;
            IReadOnlyList<StateRow> page = await core.Store.ListStateAsync(core.Group, partition.Number, node, rows.Count == 0 ? null
                : rows[^1].Key, PageSize, cancellation).ConfigureAwait(false);
            rows.AddRange(page);
            isComplete = page.Count < PageSize;
        }
        if (remembers is not IKeyedStateful byKey) foreach (StateRow row in rows) held?.Put(node, row.Key, row.Value?.Length);
        else
            byKey.ReadWith((key, enter) => ReadAloneAsync(node, key, enter));
        Take(node, rows, isComplete, remembers.Restore);
    }

    /// <summary>Hands over rows that were read.</summary>
    /// <exception cref="InvalidOperationException">The code cannot read them.</exception>
    public void Take(string node, IReadOnlyList<StateRow> rows, bool isComplete, Action<StateReader> take)
    {
        try
        {
            take(new StoredRows(core.StateSerializers, core.UnknownMembers, node, rows, isComplete));
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"The state of {node} in partition {partition.Number} of the consecutor {core.Name} cannot be read by this "
                    + $"code: {FailureText.Of(e)} Nothing was changed. Start the code that wrote it. Or, if the form of the state "
                    + $"is new, raise the version (StateVersion of the node, or its StateSchema) and read the old form in Migrate; a "
                    + $"member that has another name now keeps the old one by [JsonPropertyName].", e);
        }
    }

    /// <summary>Lets the partition stand still if the store has damaged rows of it. Nothing of the present round is committed.</summary>
    /// <returns>Whether that was the failure.</returns>
    public bool TryStandStill(StreamStoreException failure)
    {
        if (!failure.IsPermanent || failure is StoreRolledBackException || failure.Partition != partition.Number) return false;
        core.StandStill(partition, failure.Message);
        return true;
    }

    /// <summary>Reads the row of a key while an item is in flight. If the row is damaged, the partition stands still. If this code cannot
    /// read it, the consecutor ends. The item goes back in both cases: else its failure would be given up by its policy, or it would become
    /// a dead letter.</summary>
    private async ValueTask ReadAloneAsync(string node, string key, Action<StateReader> enter)
    {
        IReadOnlyList<StateRow> rows;
        try
        {
            rows = await InsistAsync(node, key).ConfigureAwait(false);
        }
        catch (StreamStoreException damage)
        {
            TryStandStill(damage);
            throw;                                   // no commit has the failure, because the partition is lost
        }
        try
        {
            Take(node, rows, isComplete: true, enter);
        }
        catch (InvalidOperationException e)
        {
            core.Lifetime.Failed?.Invoke(e);
            await Task.Delay(Timeout.InfiniteTimeSpan, core.Time, stopping).ConfigureAwait(false);
        }
    }

    /// <summary>Reads rows while an item is in flight. Repeats the call if the store does not answer, because that is not the fault of the
    /// item. A stop does not wait for it: the item goes back.</summary>
    private async ValueTask<IReadOnlyList<StateRow>> InsistAsync(string node, string key)
    {
        while (true)
        {
            try
            {
                return await ReadAsync(node, key, stopping).ConfigureAwait(false);
            }
            catch (StreamStoreException e) when (!e.IsPermanent && e is not StoreRolledBackException && !partition.IsVoid)
            {
                core.Problems.Latest =
                    $"The store does not say what {node} remembers in partition {partition.Number}; it is asked again: {FailureText.Of(e)}";
            }
            await RetryPause.WaitAsync(RetryInterval, core.Time, stopping).ConfigureAwait(false);
        }
    }

    private ValueTask<IReadOnlyList<StateRow>> ReadAsync(string node, string key, CancellationToken cancellation)
        => core.Store.ReadStateAsync(core.Group, partition.Number, node, [key], cancellation);
}
