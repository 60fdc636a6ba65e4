namespace Sluice.Delivery;

/// <content>Counts an applied commit, and notes its files.</content>
internal sealed partial class Committer
{
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
