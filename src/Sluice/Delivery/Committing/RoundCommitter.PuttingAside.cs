namespace Sluice.Delivery;

// Entries that leave a round before its commit, because the commit would be too large.
internal sealed partial class RoundCommitter
{
    private const int MaxPutAside = 800;            // the weight of waiting and dead entries
    private const int MaxBytesPutAside = StoreCommit.MaxBytes / 2;          // of dead letters

    // Entries that wait, or that died and were undone, have no results in their round. If they are many, the first ones leave it earlier,
    // in their own commits.
    private async Task PutAsideAsync(Round round)
    {
        List<RoundItem> over = round.Items.FindAll(static item => item is { Verdict.KeepsRest: false, IsPutAside: false });
        int left = over.Sum(WeightOf);
        long bytesLeft = over.Sum(BytesOf);
        for (int at = 0; left > MaxPutAside || (bytesLeft > MaxBytesPutAside && at < over.Count);)
        {
            var draft = new CommitDraft(core.Identity, core.LetterBuilder, round.Partition) { IsRound = true };
            int first = at, weight = 0;
            long bytes = 0;
            for (; at < over.Count && (weight == 0 || (weight + WeightOf(over[at]) <= MaxPutAside
                && bytes + BytesOf(over[at]) <= MaxBytesPutAside)); at++)
            {
                Add(draft, over[at], over[at].Verdict!);
                weight += WeightOf(over[at]);
                bytes += BytesOf(over[at]);
            }
            if (!(await tryApply(draft).ConfigureAwait(false)).IsSettled) return;
            for (int i = first; i < at; i++) over[i].IsPutAside = true;
            (left, bytesLeft) = (left - weight, bytesLeft - bytes);
        }
    }

    private static int WeightOf(RoundItem item) => StoreCommit.WeightOfRange
        + (item.Verdict!.Deferral is null ? item.Verdict.Remains.Weight : 0);

    private static long BytesOf(RoundItem item) => item.Verdict!.Remains.Length;
}
