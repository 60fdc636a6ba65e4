using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <content>Roots that are not committed: discarded, or let go.</content>
internal sealed partial class Committer
{
    private InvalidOperationException OutputEnded(CommitResult result) => new(
        $"A stream that the consecutor {core.Name} puts out to has ended, so nothing that leads there can be committed any "
            + $"more. {result.Detail}. What was in flight goes back to the store. A stream ends when its consecutor was completed "
            + "(CompleteAsync): it takes nothing more, for good. Put out to a consecutor of another name, and do not complete one that "
            + "further items are for.");

    /// <summary>A commit that is void: its partition is lost, and its items go back to the store.</summary>
    private void GiveUp(CommitDraft draft)
    {
        core.Partitions.Lose(draft.Partition);
        core.Doubts.Add();
        core.Ledger.Discard(draft.Counts.Roots);
    }

    private void End(CommitDraft draft)
    {
        foreach (Root root in draft.Roots) root.Recycle();
        core.Partitions.End(draft.Partition, (int)draft.Counts.Roots);
    }

    private void Discard(List<Root> roots, int from)
    {
        int count = roots.Count - from;
        OwnedPartition partition = roots[from].Partition;
        for (int i = from; i < roots.Count; i++) roots[i].Recycle();
        core.Ledger.Discard(count);
        core.Partitions.End(partition, count);
    }

    private void LetGo(Root root)
    {
        if (root.Outcome == Outcome.Failed) core.Ledger.FailFree();
        if (root.Failures is not null) core.Failures.Note(root);
        OwnedPartition partition = root.Partition;
        root.Recycle();
        core.Partitions.End(partition, 1);
    }
}
