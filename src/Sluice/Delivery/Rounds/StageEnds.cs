namespace Sluice.Delivery;

/// <summary>The stages of a partition that have emitted the items that they held at the end of the input. The marks are stored by the same
/// commits, so that each stage does it once.</summary>
/// <remarks>A stage ends when all items that the stages upstream of it have emitted have ended, retries included: one commit after the
/// other. It follows the locking rule of the scope.</remarks>
internal sealed class StageEnds(ConsecutorIdentity identity, IStreamStore store, ItemLedger ledger, OwnedPartition partition)
{
    public const string Node = "$end";
    private const int KeysAtOnce = 50;
    private const int MaxChanges = 300;             // rows of the stage before the next page

    private Dictionary<string, string?>? ended;      // by stage: null if it has ended; otherwise the last key that has ended
    private (string Stage, string? Key, bool HasMore)? added;
    private bool isUncertain;                        // whether the saved marks are committed
    private volatile bool areAll, isUnderWay;

    public bool AreAll => areAll;

    /// <summary>Whether a stage has ended in part: some of its keys have put out what they hold, and others have not. Any
    /// thread.</summary>
    public bool IsUnderWay => isUnderWay;

    /// <summary>Notes that saved marks are committed, or were forgotten.</summary>
    public void Begin() => isUncertain = false;

    /// <summary>Reads the marks, once for each ownership of the partition.</summary>
    public async ValueTask LoadAsync(CancellationToken cancellation)
    {
        if (ended is not null) return;
        IReadOnlyList<StateRow> rows = await store.ListStateAsync(identity.Group, partition.Number, Node, null, 1000, cancellation)
            .ConfigureAwait(false);
        ended = rows.ToDictionary(row => row.Key, row => row.Value is { Length: > 0 } key && key.Span[0] == 1
            ? Encoding.UTF8.GetString(key.Span[1..]) : null, StringComparer.Ordinal);
        Changed();
    }

    public async ValueTask EndNextAsync(ItemTracking run, PartitionScope scope, Root hold, CancellationToken cancellation)
    {
        // The last stage was built first, so upstream comes before downstream.
        for (int number = run.Remembering.Count - 1; number >= 0; number--)
        {
            IStatefulStage stage = run.Remembering[number];
            bool isKnown = ended!.TryGetValue(stage.StateName, out string? after);
            if (isKnown && after is null) continue;
            object instance = scope.InstanceOf(number);
            if (instance is not IKeyedStateful cells)
            {
                bool hasMore = await stage.EndAsync(instance, scope, null, hold);
                added = (stage.StateName, hasMore ? "" : null, hasMore);
                return;
            }
            await EndKeysAsync(run, number, cells, after, hold, scope, cancellation);
            return;
        }
        areAll = true;
        ledger.Touch();
    }

    private async ValueTask EndKeysAsync(ItemTracking run, int number, IKeyedStateful cells, string? after, Root hold,
        PartitionScope scope, CancellationToken cancellation)
    {
        IStatefulStage stage = run.Remembering[number];
        bool hasMore = true, isKeyOver = true;
        Round round = scope.Round!;
        round.EndedKeys = 0;
        while (hasMore && isKeyOver && round.EndedKeys < round.MaxEndingKeys && !scope.HasEmitted && hold.Staged is null
            && ChangesOf(cells) < MaxChanges)
        {
            int most = Math.Min(KeysAtOnce, round.MaxEndingKeys - round.EndedKeys);
            IReadOnlyList<StateRow> keys = await store.ListStateAsync(identity.Group, partition.Number, stage.StateName, after, most,
                cancellation);
            Fill(cells, stage, keys, scope);
            await ReadAheadAsync(run, number, keys, scope, cancellation);
            foreach (StateRow row in keys)
            {
                round.EndedKeys++;
                isKeyOver = !await stage.EndAsync(cells, scope, row.Key, hold);
                if (!isKeyOver) break;               // the next commit goes on with this key
                after = row.Key;
            }
            hasMore = !isKeyOver || keys.Count == most;
        }
        if (!hasMore && cells is IHasTimers { Timers: var timers })
            hasMore = await EndTimersAsync(stage, scope, timers, Math.Min(KeysAtOnce, round.MaxEndingKeys), cancellation);
        added = (stage.StateName, after, hasMore);
    }

    /// <summary>Reads the timers of keys that are to end, and what the stages downstream remember under these keys.</summary>
    private static ValueTask ReadAheadAsync(ItemTracking run, int number, IReadOnlyList<StateRow> rows, PartitionScope scope,
        CancellationToken cancellation)
    {
        if (rows.Count == 0) return default;
        string[] keys = [.. rows.Select(static row => row.Key)];
        IStatefulStage ending = run.Remembering[number];
        HashSet<IStatefulStage> downstream = [.. run.Remembering.Take(number)
            .Where(stage => stage is IKeyedStage { KeyOf: not null } && stage.StateName != ending.StateName)];
        return scope.ReadAheadAsync((stage, _) => ReferenceEquals(stage, ending) || downstream.Contains(stage) ? keys : null, cancellation);
    }

    /// <summary>Ends the timers of a stage, also of keys without state: none fires any more.</summary>
    /// <returns>Whether there were any. If so, the stage has not ended before the store has none.</returns>
    private async ValueTask<bool> EndTimersAsync(IStatefulStage stage, PartitionScope scope, ITimerRows timers, int most,
        CancellationToken cancellation)
    {
        IReadOnlyList<StateRow> rows = await store.ListStateAsync(identity.Group, partition.Number, ITimerRows.NodeByKey(stage.StateName),
            null, most, cancellation);
        Fill(timers.ByKey, stage, rows, scope);
        foreach (StateRow row in rows) timers.Remove(row.Key);
        return rows.Count > 0;
    }

    private static void Fill(IKeyedStateful cells, IStatefulStage stage, IReadOnlyList<StateRow> rows, PartitionScope scope)
        => scope.Take(stage.StateName, rows, isComplete: true,
            stored => cells.Fill([.. rows.Select(row => row.Key).Where(cells.IsMissing)], stored));

    private static int ChangesOf(IKeyedStateful cells) => cells.Changes + (cells is IHasTimers { Timers: var timers } ? timers.Changes : 0);

    /// <summary>Notes that an item has reached a stage. If the stage has ended, it ends again.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="rows">The rows of the commit.</param>
    public void HasEntered(string stage, List<StateRow> rows)
    {
        if (ended is not { Count: > 0 } || !ended.Remove(stage)) return;
        rows.Add(new(Node, stage, 0, null));
        (isUncertain, areAll) = (true, false);
        Changed();
    }

    /// <summary>Adds the mark of the stage that has ended in this round.</summary>
    /// <param name="rows">The rows of the commit.</param>
    /// <returns>Whether an instance has ended.</returns>
    public bool Save(List<StateRow> rows)
    {
        if (added is not { } last) return false;
        added = null;
        if (last is { HasMore: true, Key: null }) return true;               // no key has ended: it begins again with the first one
        byte[] value = last.HasMore ? [1, .. Encoding.UTF8.GetBytes(last.Key!)] : [0];
        rows.Add(new(Node, last.Stage, 0, value));
        ended![last.Stage] = last.HasMore ? last.Key : null;
        isUncertain = true;
        Changed();
        return true;
    }

    /// <summary>Forgets uncommitted marks: the stored ones count.</summary>
    public void Forget()
    {
        added = null;
        if (isUncertain) ended = null;
    }

    private void Changed() => isUnderWay = ended!.Values.Any(static key => key is not null);
}
