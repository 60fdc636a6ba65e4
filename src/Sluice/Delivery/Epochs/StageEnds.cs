using System.Text;

namespace Sluice;

/// <summary>Which stages of a partition have put out what they held at the end of the input: marks, stored by the commits that did it, so that each does it once.</summary>
/// <remarks>
/// A stage ends when everything that those upstream of it have put out has ended, retries included: one commit after the other. Belongs to whoever the scope belongs to.
/// </remarks>
internal sealed class StageEnds(ConsecutorCore core, OwnedPartition partition)
{
    public const string Node = "$end";
    private const int KeysAtOnce = 50;
    private const int MaxChanges = 300;             // of the stage's own rows, before another page

    private Dictionary<string, string?>? ended;      // by the stage's name: null if it has; else the last key that has
    private (string Stage, string? Key)? added;
    private bool isUncertain;                        // whether what was saved is committed
    private volatile bool areAll;

    public bool AreAll => areAll;

    /// <summary>What was saved is committed, or was forgotten.</summary>
    public void Begin() => isUncertain = false;

    /// <summary>Reads the marks, once for an ownership.</summary>
    public async ValueTask LoadAsync(CancellationToken cancellation)
    {
        if (ended is not null) return;
        IReadOnlyList<StateRow> rows = await core.Store.ListStateAsync(core.Group, partition.Number, Node, null, 1000, cancellation).ConfigureAwait(false);
        ended = rows.ToDictionary(row => row.Key, row => row.Value is { Length: > 0 } key && key.Span[0] == 1 ? Encoding.UTF8.GetString(key.Span[1..]) : null, StringComparer.Ordinal);
    }

    public async ValueTask EndNextAsync(ItemTracking run, PartitionScope scope, Root hold)
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
                added = (stage.StateName, await stage.EndAsync(instance, scope, [], hold) ? "" : null);
                return;
            }
            IReadOnlyList<StateRow> keys;
            string? first = after;
            Epoch epoch = scope.Epoch!;
            epoch.EndedKeys = 0;
            do
            {
                int most = Math.Min(KeysAtOnce, epoch.MaxEndingKeys - epoch.EndedKeys);
                keys = await core.Store.ListStateAsync(core.Group, partition.Number, stage.StateName, after, most, core.Life);
                cells.Fill([.. keys.Select(row => row.Key).Where(cells.IsMissing)], new StoredRows(core.StateSerializers, keys, isComplete: true));
                await stage.EndAsync(instance, scope, [.. keys.Select(row => row.Key)], hold);
                after = keys.Count < most ? null : keys[^1].Key;
                epoch.EndedKeys += keys.Count;
            }
            while (after is not null && epoch.EndedKeys < epoch.MaxEndingKeys && !scope.HasEmitted && hold.Staged is null && ChangesOf(cells) < MaxChanges);
            if (after is null && instance is IHasTimers { Timers: var timers } && await EndTimersAsync(stage, timers, Math.Min(KeysAtOnce, epoch.MaxEndingKeys))) after = (keys is [.., { } last] ? last.Key : first) ?? "";
            added = (stage.StateName, after);
            return;
        }
        areAll = true;
        core.Books.Touch();
    }

    /// <summary>No timer fires any more, also not of a key that has no state.</summary>
    /// <returns>Whether there were any: then the stage has not ended before there are none in the store.</returns>
    private async ValueTask<bool> EndTimersAsync(IStatefulStage stage, ITimerRows timers, int most)
    {
        IReadOnlyList<StateRow> rows = await core.Store.ListStateAsync(core.Group, partition.Number, ITimerRows.NodeByKey(stage.StateName), null, most, core.Life);
        timers.ByKey.Fill([.. rows.Select(row => row.Key).Where(timers.ByKey.IsMissing)], new StoredRows(core.StateSerializers, rows, isComplete: true));
        foreach (StateRow row in rows) timers.Remove(row.Key);
        return rows.Count > 0;
    }

    private static int ChangesOf(IKeyedStateful cells) => cells.Changes + (cells is IHasTimers { Timers: var timers } ? timers.Changes : 0);

    /// <summary>Adds what has changed to a commit.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="stages">All stages that remember something.</param>
    /// <param name="entered">How many of them, from the first, items may have come to: what those hold is put out again.</param>
    /// <returns>Whether an instance has ended.</returns>
    public bool Save(List<StateRow> rows, IReadOnlyList<IStatefulStage> stages, int entered)
    {
        if (added is { } last)
        {
            byte[] value = last.Key is null ? [0] : [1, .. Encoding.UTF8.GetBytes(last.Key)];
            rows.Add(new(Node, last.Stage, 0, value));
            ended![last.Stage] = last.Key;
            (added, isUncertain) = (null, true);
            return true;
        }
        if (ended is not { Count: > 0 }) return false;
        for (int i = 0; i < entered; i++)
        {
            string stage = stages[i].StateName;
            if (!ended.Remove(stage)) continue;
            rows.Add(new(Node, stage, 0, null));
            (isUncertain, areAll) = (true, false);
        }
        return false;
    }

    /// <summary>What was not committed is not so: what is stored counts.</summary>
    public void Forget()
    {
        added = null;
        if (isUncertain) ended = null;
    }
}
