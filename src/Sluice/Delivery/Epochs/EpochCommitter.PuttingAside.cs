namespace Sluice;

// What leaves an epoch before its commit, where that would be too large.
internal sealed partial class EpochCommitter
{
    private const int MaxPutAside = 800;            // the weight of what waits, or is dead

    // What is to wait, or has died and was undone, has no part in what its epoch did: if that is much, the first ones leave it before, in commits of their own.
    private async Task PutAsideAsync(Epoch epoch)
    {
        List<EpochItem> over = epoch.Items.FindAll(static item => item is { Verdict.KeepsRest: false, IsPutAside: false });
        int left = over.Sum(WeightOf);
        for (int at = 0; left > MaxPutAside;)
        {
            var draft = new CommitDraft(core, epoch.Partition) { IsEpoch = true };
            int first = at, weight = 0;
            for (; at < over.Count && (weight == 0 || weight + WeightOf(over[at]) <= MaxPutAside); at++)
            {
                Add(draft, over[at], over[at].Verdict!);
                weight += WeightOf(over[at]);
            }
            if (!(await tryApply(draft).ConfigureAwait(false)).IsSettled) return;
            for (int i = first; i < at; i++) over[i].IsPutAside = true;
            left -= weight;
        }
    }

    private static int WeightOf(EpochItem item) => StoreCommit.WeightOfRange + (item.Verdict!.Deferral is null ? item.Verdict.Remains.Weight : 0);
}
