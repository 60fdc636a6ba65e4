namespace Sluice;

/// <summary>Decides what becomes of an epoch that is over: it is committed as a whole; or, where something has failed, undone, and run again without that.</summary>
/// <remarks>The committer's.</remarks>
internal sealed partial class EpochCommitter(ConsecutorCore core, Func<CommitDraft, Task<ApplyResult>> tryApply, Func<Root, Task> resume)
{
    private const int MaxReleased = 125;            // of those that have waited, in one commit

    public async Task CommitAsync(Epoch epoch)
    {
        OwnedPartition partition = epoch.Partition;
        List<Root> roots = epoch.TakeEnded();
        if (partition.Spills.Count > 0) await ResumeAsync(epoch, roots).ConfigureAwait(false);
        if (partition.IsVoid)
        {
            Discard(epoch, roots);
            return;
        }
        if (epoch.EndFailure is { } failure)
        {
            Undo(epoch, roots);
            core.Epochs!.EndLater(partition, failure);
            core.Epochs.End(epoch, isCommitted: false);
            return;
        }
        List<StateRow>? rows = null;                 // what has changed is asked for once
        List<RetryWrite> released;
        bool hasEmitted = roots.Exists(static root => root.Emission is not null);          // roots are used again when they are committed
        while (true)
        {
            if (Judge(epoch, roots))
            {
                Undo(epoch, roots);
                core.Epochs!.Repeat(epoch);
                return;
            }
            await PutAsideAsync(epoch).ConfigureAwait(false);
            CommitDraft draft;
            try
            {
                draft = Draft(epoch, roots, rows ??= partition.Scope!.Save(), out released);
            }
            catch (UnwritableException unwritable)
            {
                Refuse(epoch, roots, unwritable);
                return;
            }
            if (draft.IsEmpty)
            {
                Recycle(roots);
                core.Epochs!.End(epoch, isCommitted: true);
                return;
            }
            ApplyResult result = await tryApply(draft).ConfigureAwait(false);
            if (result.IsSettled) break;
            if (result.Rejection is not { } rejection)
            {
                MakeSmaller(epoch, roots);
                return;
            }
            if (!TryBlame(epoch, roots, rejection)) return;
        }
        partition.HasUnwritable &= !hasEmitted;
        if (!partition.IsVoid) partition.Order!.MarkReleased(released);
        if (epoch.IsEnding) core.Epochs!.HasEnded(partition);
        core.Epochs!.End(epoch, !partition.IsVoid);
    }

    /// <summary>Items that an earlier owner sealed were not run: the rest of them is published.</summary>
    private async Task ResumeAsync(Epoch epoch, List<Root> roots)
    {
        foreach (Root spilled in roots.FindAll(static root => root.IsSpilled))
        {
            if (epoch.Partition.IsVoid) return;
            roots.Remove(spilled);
            epoch.Items.Remove(spilled.Item!);
            await resume(spilled).ConfigureAwait(false);
        }
    }

    /// <summary>Gives each item that has failed, or has to wait, its verdict.</summary>
    /// <returns>Whether something of what was done is not to be committed.</returns>
    private bool Judge(Epoch epoch, List<Root> roots)
    {
        bool mustRepeat = false;
        HashSet<ulong> waiting = [];
        List<Root> dead = [];
        List<(EpochItem, BisectionResult)> divided = [];
        foreach (Root root in roots)
        {
            if (root.Item is not { } item)
            {
                mustRepeat |= epoch.TryLeaveOut(root);
                continue;
            }
            if (root.Park is { } why)
            {
                item.Verdict = Wait(root, why, root.IsBehind);
                mustRepeat |= root.IsTouched;
            }
            else if (waiting.Contains(item.Key))
            {
                // Also if it has failed: it was too early for it, and nothing is charged.
                item.Verdict = Wait(root, "It waits for one of its key that has failed and is to be tried again.", isBehind: true);
                mustRepeat |= root.IsTouched;
            }
            else if (root.Failures is not null)
            {
                if (DeadLetterBuilder.ShouldReplay(core, root)) item.Verdict = new(DeadLetterBuilder.Defer(core, root), BisectionResult.None);
                else if (ListBisection.IsOfAll(root) && DeadLetterBuilder.Of(core, root) is { IsDivided: true } halves)
                {
                    divided.Add((item, halves));
                    continue;
                }
                else dead.Add(root);
                mustRepeat |= root.IsTouched;
            }
            if (item.Verdict is not null && item.Key != 0) waiting.Add(item.Key);
        }
        // The parts of it that have succeeded stay as they are only if nothing is undone.
        foreach (Root root in dead) root.Item!.Verdict = new(null, DeadLetterBuilder.Of(core, root, isUndone: mustRepeat), KeepsRest: !mustRepeat);

        // What goes on as its halves has done its work, but for them. If that is undone, it is run again, and divided then.
        if (mustRepeat) return true;
        foreach ((EpochItem item, BisectionResult halves) in divided) item.Verdict = new(null, halves, KeepsRest: true);
        return false;
    }

    private static EpochVerdict Wait(Root root, string why, bool isBehind) => new(new(root.EntrySequence, root.Attempt - 1, null, root.Headers.Node ?? "", why), BisectionResult.None, isBehind);

    private CommitDraft Draft(Epoch epoch, List<Root> roots, List<StateRow> rows, out List<RetryWrite> released)
    {
        OwnedPartition partition = epoch.Partition;
        var draft = new CommitDraft(core, partition, roots.Count) { IsEpoch = true, Rows = rows, Only = epoch.Items is [{ } only] ? only.Entry.Sequence : null };
        foreach (EpochItem item in epoch.Items)
            if (item is { Verdict: { } verdict, IsPutAside: false }) Add(draft, item, verdict);
        foreach (Root root in roots)
        {
            if (root.Item is { Verdict: { } known }) root.DropStagedUnless(known.Deferral is null);
            else if (root.Item is not null) draft.AddEnded(root);
            if (root.Emission is { } emission && root.Failures is not null)
            {
                root.DropStaged();
                Derive(draft, root, emission, epoch.GivesUpEmissions || (epoch.IsEnding && !MayTryAgain(partition.EndFailures)));
            }
            draft.Roots.Add(root);
        }
        released = partition.Order!.Release(Math.Clamp(draft.RoomForDeferrals, 0, MaxReleased));
        draft.Release(released);
        return draft;
    }

    private static void Add(CommitDraft draft, EpochItem item, EpochVerdict verdict)
    {
        draft.Add(item, verdict);
        if (verdict.Deferral is { } deferral) draft.Partition.Order!.Add(item.Entry.Sequence, item.Key, deferral.Attempts, deferral.After, verdict.IsBehind);
    }

    // Apart, so that other roots need no closure.
    private void Derive(CommitDraft draft, Root root, Emission emission, bool givesUp)
    {
        EntryHeaders headers = emission.Describe(root.Id, core.Recorder.NameOf(emission.Node));
        draft.Derive(to =>
        {
            try
            {
                emission.Write(to, core.Options.Serializers, headers.ToBytes());
            }
            catch (UnwritableException why) when (givesUp)
            {
                Emission.WriteLoss(to, headers, root.Failures!.Cause, why);
            }
        });
    }

    private bool MayTryAgain(int failures) => core.Options.Delivery is { Level: DeliveryLevel.Replay } replay && failures < replay.Count;

    /// <summary>
    /// Something cannot be written: fewer items are run together, until the one is alone that has caused it. That one has failed. Where there is no item, a stage has acted by itself: it is
    /// asked again, and then what it has put out is given up.
    /// </summary>
    private void Refuse(Epoch epoch, List<Root> roots, UnwritableException unwritable)
    {
        TakeBack(epoch);
        OwnedPartition partition = epoch.Partition;
        List<EpochItem> remaining = [.. epoch.Remaining];
        if (remaining.Count > 1)
        {
            Undo(epoch, roots);
            core.Epochs!.Divide(epoch);
            return;
        }
        if (remaining.Count == 1)
        {
            Root root = roots.First(one => one.Item == remaining[0]);
            root.Refuse(unwritable.AsFailure());
            if (DeadLetterBuilder.ShouldReplay(core, root)) remaining[0].Verdict = new(DeadLetterBuilder.Defer(core, root), BisectionResult.None);
            else if (unwritable.IsEmission && (unwritable.IsStructural || partition.HasUnwritable)) epoch.GivesUpEmissions = true;          // the next item would meet the same
            else
            {
                partition.HasUnwritable = unwritable.IsEmission;
                remaining[0].Verdict = new(null, DeadLetterBuilder.Of(core, root, isUndone: true));
            }
        }
        else if (epoch.IsEnding)
        {
            Undo(epoch, roots);
            core.Epochs!.EndLater(partition, unwritable.AsNodeFailure());
            core.Epochs.End(epoch, isCommitted: false);
            return;
        }
        else if (!unwritable.IsEmission && TryFireFewer(epoch, roots, _ => unwritable.AsFailure())) return;
        else if (!MayTryAgain(epoch.Failures++))
        {
            if (!unwritable.IsEmission)
            {
                core.Failed?.Invoke(unwritable.AsNodeFailure());
                return;
            }
            epoch.GivesUpEmissions = true;
        }
        Undo(epoch, roots);
        core.Epochs!.Repeat(epoch);
    }

    /// <summary>A sink refuses an item: its root has failed. If it is not known which one, fewer items are run together.</summary>
    /// <returns>Whether it is known, and the others can be committed; else the epoch is run again.</returns>
    private bool TryBlame(Epoch epoch, List<Root> roots, Rejection rejection)
    {
        TakeBack(epoch);
        if (rejection.Root is { } known)
        {
            known.Refuse(rejection.AsFailure(core));
            return true;
        }
        if (epoch.Remaining.Skip(1).Any())
        {
            Undo(epoch, roots);
            core.Epochs!.Divide(epoch);
            return false;
        }
        // What stages have put out is tried again by itself, each with a commit of its own; then only the item is left.
        List<Root> staged = roots.FindAll(root => root.HasStagedFor(rejection.Sink));
        List<Root> emitted = staged.FindAll(static root => root.Item is null);
        foreach (Root root in emitted.Count > 0 ? emitted : staged) root.Refuse(rejection.AsFailure(core));
        return true;
    }

    /// <summary>What has died in parts only goes through again: the parts that have succeeded are undone with everything else.</summary>
    private static void TakeBack(Epoch epoch)
    {
        foreach (EpochItem item in epoch.Items)
            if (item.Verdict is { KeepsRest: true }) item.Verdict = null;
    }

    /// <summary>The commit would be too large: fewer items are run together; one that is too large by itself is dead.</summary>
    private void MakeSmaller(Epoch epoch, List<Root> roots)
    {
        TakeBack(epoch);
        List<EpochItem> remaining = [.. epoch.Remaining];
        if (remaining.Count == 0)
        {
            if (TryFireFewer(epoch, roots, root => Preparation.TooLarge(core, root)) || TryEndFewer(epoch, roots)) return;
            core.Failed?.Invoke(new InvalidOperationException(
                $"What the consecutor {core.Name} remembers and puts out at one time, without any item, is more than a commit holds: {StoreCommit.MaxItems:N0} parts. Nothing was changed."));
            return;
        }
        if (remaining.Count == 1 && epoch.Items.Count == 1)
        {
            Root root = roots.First(one => one.Item == remaining[0]);
            root.Refuse(Preparation.TooLarge(core, root));
            remaining[0].Verdict = new(null, DeadLetterBuilder.Of(core, root, isUndone: true));
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
        core.Books.Discard(epoch.Items.Count);
        core.Epochs!.End(epoch, isCommitted: false);
        epoch.Partition.End(core, epoch.Items.Count);
    }

    private static void Recycle(List<Root> roots)
    {
        foreach (Root root in roots) root.Recycle();
    }
}
