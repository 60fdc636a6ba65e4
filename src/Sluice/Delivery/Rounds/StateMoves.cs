namespace Sluice.Delivery;

/// <summary>Moves and deletes the state of renamed and removed nodes in a partition that was just acquired: page by page, one commit per
/// page.</summary>
/// <remarks>
/// One commit deletes a row under the old name and writes it under the new one, so the row is always in exactly one place. If the move is
/// interrupted, the next owner of the partition continues with the rows under the old name. No item goes through before all rows have
/// moved.
/// </remarks>
internal sealed class StateMoves(ConsecutorIdentity identity, IStreamStore store, StatePlan plan, IStoreLosses losses)
{
    private const int PageSize = 400;                // each row is two parts of a commit
    private const int MaxBytes = StoreCommit.MaxBytes / 2;

    /// <summary>Moves and deletes all declared state of the partition.</summary>
    /// <returns>False if the partition is lost: another member has acquired it meanwhile, or the store has lost writes.</returns>
    /// <exception cref="InvalidOperationException">A key has a state under both names.</exception>
    /// <exception cref="StreamStoreException">The store does not answer.</exception>
    public async Task<bool> MoveAsync(OwnedPartition partition, CancellationToken cancellation)
    {
        foreach (StoredNode node in partition.StateNodes)
        {
            if (plan.Knows(node.Node) || !plan.TryFollow(node.Node, out string? to)) continue;
            if (!await MoveAsync(partition, node.Node, to, cancellation).ConfigureAwait(false)) return false;
        }
        return true;
    }

    private async Task<bool> MoveAsync(OwnedPartition partition, string from, string? to, CancellationToken cancellation)
    {
        // Other rows under the name of the node move in the first commit: if the move were cut off between its last page and them, nothing
        // would find them again.
        List<StateRow> others = [];
        foreach (string node in (string[])[StateCheck.Node, StageEnds.Node])
            foreach (StateRow row in await store.ReadStateAsync(identity.Group, partition.Number, node, [from], cancellation)
                .ConfigureAwait(false))
            {
                others.Add(row with { Value = null });
                if (to is not null) others.Add(row with { Key = to });
            }
        foreach (Func<string, string> rowsOf in (Func<string, string>[])[static node => node, ITimerRows.NodeByTime, ITimerRows.NodeByKey])
            if (!await MoveRowsAsync(partition, rowsOf(from), to is null ? null : rowsOf(to), others, cancellation).ConfigureAwait(false))
                return false;
        return others.Count == 0 || await CommitAsync(partition, others, cancellation).ConfigureAwait(false);
    }

    private async Task<bool> MoveRowsAsync(OwnedPartition partition, string from, string? to, List<StateRow> others,
        CancellationToken cancellation)
    {
        while (true)
        {
            IReadOnlyList<StateRow> page = await store.ListStateAsync(identity.Group, partition.Number, from, null, PageSize, cancellation)
                .ConfigureAwait(false);
            if (page.Count == 0) return true;
            List<StateRow> some = [];
            long bytes = 0;
            foreach (StateRow row in page)
            {
                bytes += row.Value?.Length ?? 0;
                if (bytes > MaxBytes && some.Count > 0) break;
                some.Add(row);
            }
            if (to is not null) await CheckAsync(partition, from, to, some, cancellation).ConfigureAwait(false);
            if (!await CommitAsync(partition, [.. others, .. some.SelectMany(row => Moved(row, from, to))], cancellation)
                .ConfigureAwait(false)) return false;
            others.Clear();
        }
    }

    private static IEnumerable<StateRow> Moved(StateRow row, string from, string? to)
        => to is null ? [new(from, row.Key, 0, null)] : [new(from, row.Key, 0, null), row with { Node = to }];

    private async Task CheckAsync(OwnedPartition partition, string from, string to, List<StateRow> rows, CancellationToken cancellation)
    {
        IReadOnlyList<StateRow> there = await store.ReadStateAsync(identity.Group, partition.Number, to,
            [.. rows.Select(static row => row.Key)], cancellation).ConfigureAwait(false);
        if (there.Count == 0) return;
        throw new InvalidOperationException(
            $"The state of '{from}' in partition {partition.Number} of the consecutor {identity.Name} is to move to '{to}', where "
            + $"{(there[0].Key.Length == 0 ? "there is a state" : $"the key '{there[0].Key}' has a state")} already: which of the two "
            + $"counts cannot be known. "
            + "Nothing of that page was changed. Give the new node a name that was never used, or drop one of the two "
            + "(StateChange.Dropped).");
    }

    private async Task<bool> CommitAsync(OwnedPartition partition, IReadOnlyList<StateRow> rows, CancellationToken cancellation)
    {
        CommitResult result = losses.Learn(partition.Owner, await store.CommitAsync(
            new(partition.Owner, partition.NextCommit) { State = rows }, cancellation).ConfigureAwait(false));
        if (result.Status != CommitStatus.Committed) return false;
        partition.NextCommit++;
        return true;
    }
}
