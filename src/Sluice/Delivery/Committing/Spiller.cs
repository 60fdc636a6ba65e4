namespace Sluice.Delivery;

/// <summary>Commits one item whose outputs and letters are more than one commit holds: by several commits, all of it once, or
/// nothing.</summary>
/// <remarks>
/// Used by the committer, one item of a partition at a time. First each piece is stored as a row of state, which no reader sees. Then one
/// commit, the seal, applies everything else of the item. Then one commit
/// per piece publishes the piece and deletes its row. The last commit settles the item and deletes the seal. If the process dies before the
/// seal, the item runs again and the rows are deleted. If it dies behind the
/// seal, the item does not run again: the next owner of its partition publishes the remaining pieces.
/// </remarks>
/// <param name="core">The consecutor.</param>
/// <param name="send">Sends a commit until the store answers.</param>
/// <param name="outputEnded">Told of an output whose stream has ended.</param>
/// <param name="abandoned">Cancelled when a store that does not answer is not to be asked again.</param>
internal sealed class Spiller(ConsecutorCore core, Func<OwnedPartition, StoreCommit, Task<CommitResult>> send,
    Action<CommitResult> outputEnded, CancellationToken abandoned)
{
    private const int MaxDeleted = 500;
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    /// <summary>Whether a commit that is too large can be spilled: it settles one item only, and everything beside outputs, derived entries
    /// and letters fits.</summary>
    public static bool CanApply(long? sequence, StoreCommit commit)
        => sequence is { } only && commit.Settled is [{ } settled] && settled == new SequenceRange(only, only)
        && commit.Dead.All(letter => letter.Sequence == only)
            && Rest(commit, new(0, 0, default)).Fits;

    /// <summary>Applies a commit that is too large.</summary>
    /// <param name="partition">The partition of the item.</param>
    /// <param name="commit">The whole commit.</param>
    /// <param name="counts">The counts that the whole commit changes.</param>
    /// <returns>The result; and whether the seal was committed, which may be so although the partition was lost behind it.</returns>
    /// <exception cref="ItemRejectedException">The store refuses a part of the seal; nothing is published.</exception>
    /// <exception cref="PayloadException">An entry is longer than its stream allows; nothing is published.</exception>
    public async Task<(CommitResult Result, bool IsSealed)> ApplyAsync(OwnedPartition partition, StoreCommit commit, CommitCounts counts)
    {
        long published = commit.Dead.Count + (commit.Derived?.Count ?? 0);
        var spill = new Spill(partition.NextCommit, commit.Settled[0].First,
            new(counts.Completed, counts.Skipped, counts.Cancelled, counts.Split - published));
        if (!await TryCheckLengthsAsync(partition, commit).ConfigureAwait(false))
            return (new(CommitStatus.Stale, "The partition was lost or stopped."), false);
        PartitionCounts begun = partition.Counts with { HasSpills = true };
        CommitResult result = await CommitAsync(partition, new(partition.Owner, 0) { State = [begun.ToRow()] }, begun)
            .ConfigureAwait(false);
        foreach (byte[] piece in SpillPiece.Of(commit))
        {
            if (result.Status != CommitStatus.Committed) return (result, false);
            result = await CommitAsync(partition, new(partition.Owner, 0) { State = [spill.Add(piece)] }, begun).ConfigureAwait(false);
        }
        try
        {
            if (result.Status == CommitStatus.Committed)
                result = await CommitAsync(partition, Rest(commit, spill), begun).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ItemRejectedException or PayloadException)
        {
            partition.SpillLeftovers.AddRange(spill.Pieces);
            await CleanAsync(partition, send).ConfigureAwait(false);
            throw;
        }
        if (result.Status != CommitStatus.Committed) return (result, false);
        return ((await PublishAsync(partition, spill).ConfigureAwait(false)).Result, true);
    }

    /// <summary>Checks that the target streams take the entries. A piece that a stream refuses behind the seal could be neither published
    /// nor taken back.</summary>
    /// <returns>False if the store has not told: then nothing may be sealed.</returns>
    /// <exception cref="PayloadException">An entry is longer than its stream allows.</exception>
    private async Task<bool> TryCheckLengthsAsync(OwnedPartition partition, StoreCommit commit)
    {
        foreach (CommitOutput output in commit.Outputs)
        {
            StreamInfo?[]? found = await InsistAsync<StreamInfo?[]>(partition,
                async () => [await core.Store.FindStreamAsync(output.Stream, core.Lifetime.Token).ConfigureAwait(false)])
                .ConfigureAwait(false);
            if (found is null) return false;
            if (found[0] is { } stream) AppendRequest.CheckLength(output.Entries, output.Stream, stream.Options);
        }
        return true;
    }

    /// <summary>Publishes what is left of an item that an earlier owner of its partition sealed.</summary>
    public async Task ResumeAsync(Root root)
    {
        OwnedPartition partition = root.Partition;
        Spill spill = partition.FindSpill(root.EntrySequence)!;
        long split = partition.Counts.Split;
        (CommitResult result, long letters, long derived) = await PublishAsync(partition, spill).ConfigureAwait(false);
        if (result.Status == CommitStatus.Committed)
        {
            long deleted = await core.LetterLimit.TrimAsync(letters).ConfigureAwait(false);
            core.Ledger.Settle(
                partition, new(1, spill.End.Completed, spill.End.Skipped, spill.End.Cancelled + deleted, letters - deleted,
                    partition.Counts.Split - split, derived), [], CommitDraft.Nothing);
        }
        else
        {
            core.Partitions.Lose(partition);
            core.Doubts.Add();
            core.Ledger.Discard(1);
        }
        foreach (ConsecutorCore target in core.Outputs.Targets) target.Doubts.Add(); // their ledgers have not counted these outputs
        root.Recycle();
        core.Partitions.End(partition, 1);
        if (result.Status == CommitStatus.OutputEnded) outputEnded(result);
    }

    /// <summary>Deletes pieces that were never sealed: their items run again.</summary>
    /// <returns>Whether that was done; false if the partition is lost.</returns>
    public static async Task<bool> CleanAsync(OwnedPartition partition, Func<OwnedPartition, StoreCommit, Task<CommitResult>> send)
    {
        List<string> keys = partition.SpillLeftovers;
        while (keys.Count > 0)
        {
            int count = Math.Min(keys.Count, MaxDeleted);
            PartitionCounts counts = partition.Counts with { HasSpills = keys.Count > count || partition.Spills.Count > 0 };
            var commit = new StoreCommit(partition.Owner,
                partition.NextCommit)
            {
                State = [.. keys.Take(count).Select(static key => new StateRow(Spill.Node, key, 0, null)),
                    counts.ToRow()]
            };
            if ((await send(partition, commit).ConfigureAwait(false)).Status != CommitStatus.Committed) return false;
            partition.NextCommit++;
            partition.Counts = counts;
            keys.RemoveRange(0, count);
        }
        return true;
    }

    /// <summary>The seal's commit: everything of the item that is not published piece by piece.</summary>
    private static StoreCommit Rest(StoreCommit commit, Spill spill) => commit with
    {
        Settled = [],
        Dead = [],
        Derived = null,
        Outputs = [.. commit.Outputs.Where(static output => output.ReservedItems > 0)
            .Select(static output => output with { Entries = new() { Stream = output.Stream } })],
        State = [.. commit.State.Where(static row => row.Node != PartitionCounts.Node), spill.Seal()],
        MustLast = true,
    };

    private async Task<(CommitResult Result, long Letters, long Derived)> PublishAsync(OwnedPartition partition, Spill spill)
    {
        (long letters, long derived) = (0, 0);
        foreach (string key in spill.Pieces)
        {
            if (await ReadAsync(partition, key).ConfigureAwait(false) is not { } piece)
                return (new(CommitStatus.Stale, "The partition was lost."), letters, derived);
            StoreCommit commit = SpillPiece.Publish(piece, new(partition.Owner, 0), core.Name, spill.Sequence);
            (int dead, int own) = (commit.Dead.Count, commit.Derived?.Count ?? 0);
            PartitionCounts counts = partition.Counts with { Split = partition.Counts.Split + dead + own };
            StateRow gone = new(Spill.Node, key, 0, null);
            CommitResult result = await CommitAsync(partition, commit with { State = dead + own == 0 ? [gone] : [gone, counts.ToRow()] },
                counts).ConfigureAwait(false);
            if (result.Status != CommitStatus.Committed) return (result, letters, derived);
            (letters, derived) = (letters + dead, derived + own);
        }
        PartitionCounts last = partition.Counts with
        {
            Completed = partition.Counts.Completed + spill.End.Completed,
            Skipped = partition.Counts.Skipped + spill.End.Skipped,
            Split = partition.Counts.Split + spill.End.Split,
            HasSpills = partition.Spills.Any(other => other != spill),
        };
        CommitResult end = await CommitAsync(partition,
            new(partition.Owner, 0)
            {
                Settled = [new(spill.Sequence, spill.Sequence)],
                State = [spill.Unseal(), last.ToRow()],
                MustLast = true
            }, last).ConfigureAwait(false);
        if (end.Status == CommitStatus.Committed) partition.Remove(spill);
        return (end, letters, derived);
    }

    /// <summary>Reads a piece, however often the store must be asked. Null if the partition is lost or damaged.</summary>
    private async Task<ReadOnlyMemory<byte>?> ReadAsync(OwnedPartition partition, string key)
    {
        IReadOnlyList<StateRow>? rows = await InsistAsync(partition,
            () => core.Store.ReadStateAsync(core.Group, partition.Number, Spill.Node, [key], core.Lifetime.Token)).ConfigureAwait(false);
        if (rows is [{ Value: { } value }]) return value;
        if (rows is not null)
            core.Stopped.Stop(partition.Number, partition.Owner.Epoch,
                $"The piece {key} of a spilled item (state {Spill.Node}) is missing in the store.");
        return null;
    }

    /// <summary>Asks the store until it answers, or the consecutor is about to end.</summary>
    /// <returns>The answer; null if the store has lost writes, or the partition is lost, or is stopped because of damage.</returns>
    /// <exception cref="OperationCanceledException">The consecutor is about to end.</exception>
    private async Task<T?> InsistAsync<T>(OwnedPartition partition, Func<ValueTask<T>> ask) where T : class
    {
        while (!partition.IsVoid)
        {
            try
            {
                return await ask().ConfigureAwait(false);
            }
            catch (StoreRolledBackException e)
            {
                core.Losses.WentBack(e.Message);
                return null;
            }
            catch (StreamStoreException damage) when (damage.IsPermanent)
            {
                core.Stopped.Stop(partition.Number, partition.Owner.Epoch, damage.Message);
                return null;
            }
            catch (Exception e) when (!core.Lifetime.Token.IsCancellationRequested)
            {
                if (core.Lifetime.EndIfClosed(e)) throw;
                core.Problems.OfCommits = $"The store does not answer about a spilled item of partition {partition.Number}; the "
                    + $"consecutor asks again: {FailureText.Of(e)}";
            }
            await RetryPause.WaitAsync(RetryInterval, core.Time, abandoned).ConfigureAwait(false);
        }
        return null;
    }

    private async Task<CommitResult> CommitAsync(OwnedPartition partition, StoreCommit commit, PartitionCounts counts)
    {
        CommitResult result = await send(partition, commit with { Sequence = partition.NextCommit }).ConfigureAwait(false);
        if (result.Status != CommitStatus.Committed) return result;
        partition.NextCommit++;
        partition.Counts = counts;
        return result;
    }
}
