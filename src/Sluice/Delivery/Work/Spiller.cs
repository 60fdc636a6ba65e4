namespace Sluice;

/// <summary>Commits an item that has become more than one commit holds: by several, such that all of it is there once, or nothing.</summary>
/// <remarks>
/// The committer's. First the pieces are stored, where nobody sees them; then a commit has everything else of the item and a seal; then each piece is published by a commit that takes its row away; the last one
/// settles the item and takes the seal away. Before the seal a crash makes the item run again, and the rows are of no use. Behind it, whoever leases the item goes on with what is left.
/// </remarks>
internal sealed class Spiller(ConsecutorCore core, Func<OwnedPartition, StoreCommit, Task<CommitResult>> send)
{
    private const int MostDeleted = 500;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Whether a commit that is too large can be applied in pieces: it is of one item, and what is no output, letter or derived entry fits.</summary>
    public static bool CanApply(long? sequence, StoreCommit commit)
        => sequence is { } only && commit.Settled is [{ } settled] && settled == new SequenceRange(only, only) && commit.Dead.All(letter => letter.Sequence == only) && Rest(commit, null).Fits;

    /// <summary>Applies it.</summary>
    /// <param name="partition">Whose item it is.</param>
    /// <param name="commit">The whole of it.</param>
    /// <param name="counts">What it moves.</param>
    /// <returns>What became of it; and whether everything but the publishing is committed, also if it was lost behind that.</returns>
    public async Task<(CommitResult Result, bool IsSealed)> ApplyAsync(OwnedPartition partition, StoreCommit commit, CommitCounts counts)
    {
        long published = commit.Dead.Count + (commit.Derived?.Count ?? 0);
        var spill = new Spill(partition.NextCommit, commit.Settled[0].First, new(counts.Completed, counts.Skipped, counts.Cancelled, counts.Split - published));
        PartitionBooks begun = partition.Books with { Spills = partition.Books.Spills + 1 };
        CommitResult result = await CommitAsync(partition, new(partition.Owner, 0) { State = [begun.ToRow()] }, begun).ConfigureAwait(false);
        foreach (byte[] piece in SpillPiece.Of(commit))
        {
            if (result.Status != CommitStatus.Committed) return (result, false);
            result = await CommitAsync(partition, new(partition.Owner, 0) { State = [spill.Add(piece)] }, begun).ConfigureAwait(false);
        }
        if (result.Status == CommitStatus.Committed) result = await CommitAsync(partition, Rest(commit, spill), begun).ConfigureAwait(false);
        if (result.Status != CommitStatus.Committed) return (result, false);
        return ((await PublishAsync(partition, spill).ConfigureAwait(false)).Result, true);
    }

    /// <summary>Goes on with an item that an earlier owner of its partition has sealed.</summary>
    public async Task ResumeAsync(Root root)
    {
        OwnedPartition partition = root.Partition;
        Spill spill = partition.FindSpill(root.EntrySequence)!;
        long split = partition.Books.Split;
        (CommitResult result, long letters, long derived) = await PublishAsync(partition, spill).ConfigureAwait(false);
        if (result.Status == CommitStatus.Committed)
        {
            partition.Remove(spill);
            core.Books.Settle(partition, new(1, spill.End.Completed, spill.End.Skipped, spill.End.Cancelled, letters, partition.Books.Split - split, derived), [], CommitDraft.Nothing);
        }
        else
        {
            core.Lose(partition);
            core.Members.Doubt();
            core.Books.Discard(1);
        }
        foreach (ConsecutorCore target in core.Outputs.Targets) target.Members.Doubt();          // what came in was not counted there
        root.Recycle();
        partition.End(core, 1);
    }

    /// <summary>Everything of a commit that is not published, and the seal.</summary>
    private static StoreCommit Rest(StoreCommit commit, Spill? spill) => commit with
    {
        Settled = [],
        Dead = [],
        Derived = null,
        Outputs = [.. commit.Outputs.Where(static output => output.ReservedItems > 0).Select(static output => output with { Entries = new() { Stream = output.Stream } })],
        State = [.. commit.State.Where(static row => row.Node != PartitionBooks.Node), (spill ?? new Spill(0, 0, default)).Seal()],
        MustLast = true,
    };

    private async Task<(CommitResult Result, long Letters, long Derived)> PublishAsync(OwnedPartition partition, Spill spill)
    {
        (long letters, long derived) = (0, 0);
        foreach (string key in spill.Pieces)
        {
            if (await ReadAsync(partition, key).ConfigureAwait(false) is not { } piece) return (new(CommitStatus.Stale, "The partition was lost."), letters, derived);
            StoreCommit commit = SpillPiece.Publish(piece, new(partition.Owner, 0), core, spill.Sequence);
            (int dead, int own) = (commit.Dead.Count, commit.Derived?.Count ?? 0);
            PartitionBooks books = partition.Books with { Split = partition.Books.Split + dead + own };
            StateRow gone = new(Spill.Node, key, 0, null);
            CommitResult result = await CommitAsync(partition, commit with { State = dead + own == 0 ? [gone] : [gone, books.ToRow()] }, books).ConfigureAwait(false);
            if (result.Status != CommitStatus.Committed) return (result, letters, derived);
            (letters, derived) = (letters + dead, derived + own);
        }
        // Rows of items that were never sealed go with it, as far as they fit.
        string[] useless = partition.TakeUselessRows(MostDeleted, out bool areAll);
        PartitionBooks last = partition.Books with
        {
            Completed = partition.Books.Completed + spill.End.Completed,
            Skipped = partition.Books.Skipped + spill.End.Skipped,
            Split = partition.Books.Split + spill.End.Split,
            Spills = areAll ? partition.CountOtherSpills(spill) : partition.Books.Spills - 1,
        };
        return (await CommitAsync(partition, new(partition.Owner, 0)
        {
            Settled = [new(spill.Sequence, spill.Sequence)],
            State = [spill.Unseal(), .. useless.Select(static key => new StateRow(Spill.Node, key, 0, null)), last.ToRow()],
            MustLast = true,
        }, last).ConfigureAwait(false), letters, derived);
    }

    /// <summary>Asks until it is answered. Null if the partition is lost.</summary>
    private async Task<ReadOnlyMemory<byte>?> ReadAsync(OwnedPartition partition, string key)
    {
        while (!partition.IsVoid)
        {
            try
            {
                IReadOnlyList<StateRow> rows = await core.Store.ReadStateAsync(core.Group, partition.Number, Spill.Node, [key], core.Life).ConfigureAwait(false);
                return rows is [{ Value: { } value }] ? value : null;
            }
            catch (StreamStoreException e) when (!e.IsPermanent && e is not StoreWentBackException)
            {
                core.CommitProblem = $"The store does not say what an item of partition {partition.Number} has become; it is asked again: {FailureText.Of(e)}";
            }
            await Task.Delay(Patience, core.Time, core.Life).ConfigureAwait(false);
        }
        return null;
    }

    private async Task<CommitResult> CommitAsync(OwnedPartition partition, StoreCommit commit, PartitionBooks books)
    {
        CommitResult result = await send(partition, commit with { Sequence = partition.NextCommit }).ConfigureAwait(false);
        if (result.Status != CommitStatus.Committed) return result;
        partition.NextCommit++;
        partition.Books = books;
        return result;
    }
}
