using Sluice.Storage;

namespace Sluice.Delivery;

/// <content>Rounds that are not committed: undone, divided, or discarded.</content>
internal sealed partial class EpochCommitter
{
    /// <summary>Runs items again that died in parts only, because their successful parts are undone with everything else.</summary>
    private static void TakeBack(Epoch epoch)
    {
        foreach (EpochItem item in epoch.Items)
            if (item.Verdict is { KeepsRest: true }) item.Verdict = null;
    }

    /// <summary>Runs fewer items together, because the commit would be too large. An item that is too large by itself dies.</summary>
    private void MakeSmaller(Epoch epoch, List<Root> roots)
    {
        TakeBack(epoch);
        List<EpochItem> remaining = [.. epoch.Remaining];
        if (remaining.Count == 0)
        {
            if (TryFireFewer(epoch, roots, root => Preparation.TooLarge(core, root)) || TryEndFewer(epoch, roots)) return;
            core.Lifetime.Failed?.Invoke(new InvalidOperationException(
                $"What the consecutor {core.Name} remembers and puts out at one time, without any item, is more than a commit "
                    + $"holds: {StoreCommit.MaxItems:N0} parts. Nothing was changed."));
            return;
        }
        if (remaining.Count == 1 && epoch.Items.Count == 1)
        {
            Root root = roots.First(one => one.Item == remaining[0]);
            root.Refuse(Preparation.TooLarge(core, root));
            remaining[0].Verdict = new(null, core.LetterBuilder.Of(root, isUndone: true));
            Undo(epoch, roots);
            core.Epochs!.Repeat(epoch);
            return;
        }
        Undo(epoch, roots);
        core.Epochs!.Divide(epoch);
    }

    private static void Undo(Epoch epoch, List<Root> roots)
    {
        foreach (Root root in roots) epoch.Partition.Spare.TakeOver(root);
        epoch.Partition.Scope!.Forget();
        Recycle(roots);
    }

    private void Discard(Epoch epoch, List<Root> roots)
    {
        Recycle(roots);
        core.Ledger.Discard(epoch.Items.Count);
        core.Epochs!.End(epoch, isCommitted: false);
        core.Partitions.End(epoch.Partition, epoch.Items.Count);
    }

    private static void Recycle(List<Root> roots)
    {
        foreach (Root root in roots) root.Recycle();
    }
}
