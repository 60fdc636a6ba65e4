namespace Sluice.Delivery;

/// <content>Counts an applied commit, and notes its files.</content>
internal sealed partial class Committer
{
    /// <returns>Whether the commit is settled: applied or void. If not, it is too large or an item is refused, and nothing was
    /// done.</returns>
    private Task<ApplyResult> TryApplyAsync(CommitDraft draft)
        => draft.Counts.Roots > 0 ? ApplyAsync(draft) : ApplyWithoutItemsAsync(draft);

    /// <summary>Applies a commit of a timer, or of the end of the input. It has no item in flight that would keep a recount away.</summary>
    private async Task<ApplyResult> ApplyWithoutItemsAsync(CommitDraft draft)
    {
        LedgerChange counting = core.Ledger.BeginChange(isOfLetters: false);
        try
        {
            return await ApplyAsync(draft).ConfigureAwait(false);
        }
        finally
        {
            core.EndChange(counting);
        }
    }

    private async Task CountAsync(CommitDraft draft)
    {
        CommitCounts counts = draft.Counts;
        // what this member deletes was not deleted by another program
        LedgerChange? trimming = counts.Letters == 0 ? null : core.Ledger.BeginChange(isOfLetters: true);
        try
        {
            long deleted = await core.LetterLimit.TrimAsync(counts.Letters).ConfigureAwait(false);
            core.Ledger.Settle(draft.Partition, counts with { Letters = counts.Letters - deleted, Cancelled = counts.Cancelled + deleted },
                draft.Deferred, draft.Waited);
        }
        finally
        {
            if (trimming is { } over) core.EndChange(over);
        }
    }

    private void Note(OwnedPartition partition, List<FileLength> files)
    {
        foreach (FileLength file in files)
            if (file.Length < 0) partition.FileLengths.Remove(file.Name);
            else partition.FileLengths[file.Name] = file.Length;
        if (files.Count > 0) partition.HasFiles = partition.FileLengths.Keys.Any(core.Sinks.Know);
    }
}
