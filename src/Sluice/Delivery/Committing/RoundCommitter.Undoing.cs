namespace Sluice.Delivery;

/// <content>Rounds that are not committed: undone, divided, or discarded.</content>
internal sealed partial class RoundCommitter
{
    /// <summary>Runs items again that died in parts only, because their successful parts are undone with everything else.</summary>
    private static void TakeBack(Round round)
    {
        foreach (RoundItem item in round.Items)
            if (item.Verdict is { KeepsRest: true }) item.Verdict = null;
    }

    /// <summary>Runs fewer items together, because the commit would be too large. An item that is too large by itself dies.</summary>
    private void MakeSmaller(Round round, List<Root> roots, List<StateRow> rows)
    {
        TakeBack(round);
        if (round.Partition.Scope!.TryLeaveOutSpareWork())
        {
            Undo(round, roots);
            core.Rounds!.Repeat(round);
            return;
        }
        List<RoundItem> remaining = [.. round.Remaining];
        if (remaining.Count == 0)
        {
            if (TryFireFewer(round, roots, root => Preparation.TooLarge(core, root, rows), isTooLarge: true) || TryEndFewer(round, roots)
                || TryEmitFewer(round, roots) || TryStoreEmissions(round, roots)) return;
            core.Lifetime.Failed?.Invoke(new InvalidOperationException(
                $"What the consecutor {core.Name} remembers and puts out at one time, without any item, is more than a commit "
                    + $"holds: {StoreCommit.MaxItems:N0} parts. Nothing was changed."));
            return;
        }
        if (remaining.Count == 1 && round.Items.Count == 1)
        {
            if (TryEmitFewer(round, roots)) return;
            Root root = roots.First(one => one.Item == remaining[0]);
            root.Refuse(Preparation.TooLarge(core, root, rows));
            remaining[0].Verdict = new(null, core.LetterBuilder.Of(root, isUndone: true));
            Undo(round, roots);
            core.Rounds!.RepeatWithout(round);
            return;
        }
        Undo(round, roots);
        core.Rounds!.Divide(round, isTooLarge: true);
    }

    /// <summary>Lets stages put out fewer windows together, because the commit would be too large.</summary>
    /// <returns>Whether there were several: then the round runs again.</returns>
    private bool TryEmitFewer(Round round, List<Root> roots)
    {
        PartitionScope scope = round.Partition.Scope!;
        int emitted = roots.Count(static root => root.Emission is not null);
        if (Math.Min(emitted, scope.MaxEmissions) / 2 is not (> 0 and var fewer)) return false;
        scope.MaxEmissions = fewer;
        Undo(round, roots);
        core.Rounds!.Repeat(round);
        return true;
    }

    /// <summary>Stores what stages put out as an item of its own, which may have more outputs than a commit holds.</summary>
    /// <returns>Whether the round runs again.</returns>
    private bool TryStoreEmissions(Round round, List<Root> roots)
    {
        if (!roots.Exists(static root => root.Emission is not null and not TimerEmission) || !round.TryStoreEmissions()) return false;
        Undo(round, roots);
        core.Rounds!.Repeat(round);
        return true;
    }

    private static void Undo(Round round, List<Root> roots)
    {
        foreach (Root root in roots) round.Partition.Spare.TakeOver(root);
        round.Partition.Scope!.Forget();
        Recycle(roots);
    }

    private void Discard(Round round, List<Root> roots)
    {
        Recycle(roots);
        int left = round.Items.Count(static item => !item.IsPutAside);         // the others have ended before
        core.Ledger.Discard(left);
        core.Rounds!.End(round, isCommitted: false);
        core.Partitions.End(round.Partition, left);
    }

    private static void Recycle(List<Root> roots)
    {
        foreach (Root root in roots) root.Recycle();
    }
}
