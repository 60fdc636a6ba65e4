namespace Sluice.Delivery;

/// <summary>Commits a finished round as a whole. If an item has failed, undoes the round and has it run again without that item.</summary>
/// <remarks>Used by the committer.</remarks>
internal sealed partial class RoundCommitter(ConsecutorCore core, Func<CommitDraft, Task<ApplyResult>> tryApply, Func<Root, Task> resume)
{
    private const int MaxReleased = 125;            // waiting entries in one commit

    public async Task CommitAsync(Round round)
    {
        OwnedPartition partition = round.Partition;
        List<Root> roots = round.TakeEnded();
        if (partition.Spills.Count > 0) await ResumeAsync(round, roots).ConfigureAwait(false);
        if (partition.IsVoid) { Discard(round, roots); return; }
        if (round.EndFailure is { } failure)
        {
            Undo(round, roots);
            core.Rounds!.EndLater(partition, failure);
            core.Rounds.End(round, isCommitted: false);
            return;
        }
        List<StateRow>? rows = null;                 // changed rows are read once
        bool hasEmitted = roots.Exists(static root => root.Emission is not null);          // committed roots are reused
        while (true)
        {
            if (Judge(round, roots))
            {
                Undo(round, roots);
                core.Rounds!.Repeat(round);
                return;
            }
            await PutAsideAsync(round).ConfigureAwait(false);
            CommitDraft draft;
            try
            {
                draft = Draft(round, roots, rows ??= partition.Scope!.Save());
            }
            catch (UnwritableException unwritable)
            {
                Refuse(round, roots, unwritable);
                return;
            }
            if (draft.IsEmpty)
            {
                Recycle(roots);
                partition.Scope!.HaveCommitted();
                core.Rounds!.End(round, isCommitted: true);
                return;
            }
            ApplyResult result = await tryApply(draft).ConfigureAwait(false);
            if (result.IsSettled) break;
            if (result.Rejection is not { } rejection)
            {
                MakeSmaller(round, roots, rows);
                return;
            }
            if (!TryBlame(round, roots, rejection)) return;
        }
        partition.HasUnwritable &= !hasEmitted;
        partition.Scope!.HaveCommitted();
        if (!partition.IsVoid) partition.Order!.MarkReleased();
        if (partition.Damaged.Count > 0)
            foreach (RoundItem item in round.Items)
                if (item is { IsPutAside: false, Verdict: not { Deferral: not null } }) partition.Damaged.Remove(item.Entry.Sequence);
        if (round.IsEnding) core.Rounds!.HasEnded(partition);
        core.Rounds!.End(round, !partition.IsVoid);
    }

    /// <summary>Publishes the remaining pieces of items that an earlier owner sealed; such items do not run again.</summary>
    private async Task ResumeAsync(Round round, List<Root> roots)
    {
        foreach (Root spilled in roots.FindAll(static root => root.IsSpilled))
        {
            if (round.Partition.IsVoid) return;
            roots.Remove(spilled);
            round.Items.Remove(spilled.Item!);
            await resume(spilled).ConfigureAwait(false);
        }
    }

    /// <summary>Gives a verdict to each item that has failed or has to wait.</summary>
    /// <returns>Whether some results of the round must not be committed.</returns>
    private bool Judge(Round round, List<Root> roots)
    {
        bool mustRepeat = false;
        HashSet<ulong> waiting = [];
        List<Root> dead = [];
        List<(RoundItem, BisectionResult)> divided = [];
        foreach (Root root in roots)
        {
            if (root.Item is not { } item)
            {
                // What has failed behind a stage that remembers it would be remembered twice, if it entered there again.
                mustRepeat |= round.TryLeaveOut(root) || (root is { Failures: not null, IsTouched: true }
                    && root.Emission is not null and not TimerEmission && round.TryStoreEmissions());
                continue;
            }
            if (root.Park is { } why)
            {
                item.Verdict = Wait(root, why, root.IsBehind);
                mustRepeat |= root.IsTouched;
            }
            else if (waiting.Contains(item.Key))
            {
                // Also if the item has failed: it ran too early, so nothing is charged.
                item.Verdict = Wait(root, "It waits for one of its key that has failed and is to be tried again.", isBehind: true);
                mustRepeat |= root.IsTouched;
            }
            else if (root.Failures is not null)
            {
                if (root.ShouldReplay(core.Options.Delivery)) item.Verdict = new(core.LetterBuilder.Defer(root), BisectionResult.None);
                else if (root.IsDivisible && core.LetterBuilder.Of(root) is { IsDivided: true } halves)
                {
                    divided.Add((item, halves));
                    continue;
                }
                else dead.Add(root);
                mustRepeat |= root.IsTouched;
            }
            if (item.Verdict is not null && item.Key != 0) waiting.Add(item.Key);
        }
        // Successful parts of a root stay committed only if nothing is undone.
        foreach (Root root in dead) root.Item!.Verdict = new(null, core.LetterBuilder.Of(root, isUndone: mustRepeat),
            KeepsRest: !mustRepeat);

        // A divided list goes on as its halves. If the round is undone, the list runs again and is divided then.
        if (mustRepeat) return true;
        foreach ((RoundItem item, BisectionResult halves) in divided) item.Verdict = new(null, halves, KeepsRest: true);
        return false;
    }

    private static RoundVerdict Wait(Root root, string why, bool isBehind)
        => new(new(root.EntrySequence, root.Attempt - 1, null, root.Headers.Node ?? "", why), BisectionResult.None, isBehind);

    private CommitDraft Draft(Round round, List<Root> roots, List<StateRow> rows)
    {
        OwnedPartition partition = round.Partition;
        var draft = new CommitDraft(core.Identity, core.LetterBuilder, partition, roots.Count)
        {
            IsRound = true,
            Rows = rows,
            Only = round.Items is [{ } only]
            ? only.Entry.Sequence : null
        };
        foreach (RoundItem item in round.Items)
            if (item is { Verdict: { } verdict, IsPutAside: false }) Add(draft, item, verdict);
        foreach (Root root in roots)
        {
            if (root.Item is { Verdict: { } known }) root.DropStagedUnless(known.Deferral is null);
            else if (root.Item is not null) draft.AddEnded(root);
            if (root.Emission is { } emission && root.Failures is not null)
            {
                root.DropStaged();
                Derive(draft, root, emission, round.GivesUpEmissions
                    || (round.IsEnding && !round.StoresEmissions && !MayTryAgain(partition.EndFailures)));
            }
            draft.Roots.Add(root);
        }
        draft.Release(partition.Order!.Release(Math.Clamp(draft.RoomForDeferrals, 0, MaxReleased)));
        return draft;
    }

    private static void Add(CommitDraft draft, RoundItem item, RoundVerdict verdict)
    {
        draft.Add(item, verdict);
        if (verdict.Deferral is { } deferral) draft.Partition.Order!.Add(item.Entry.Sequence, item.Key, deferral.Attempts, deferral.After,
            verdict.IsBehind);
    }

    // A separate method, so that other roots need no closure.
    private void Derive(CommitDraft draft, Root root, Emission emission, bool givesUp)
    {
        EntryHeaders headers = emission.Describe(root.Id, core.Recorder.NameOf(emission.Node)) with
        {
            Trace = root.Trace is { } trace ? new(trace.Context) : null,
            Refusal = RefusalOf(root)
        };
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

    // If a sink has refused it for good, it is not tried again: it might be alone in a commit, where a sink cannot tell whose fault it is.
    private static SinkRefusal? RefusalOf(Root root)
    {
        for (PartFailure? failure = root.Failures; failure is not null; failure = failure.Next)
            if (failure is not { IsFinal: true, Cause.InnerException: ItemRejectedException }) return null;
        PipelineException first = root.Failures!.Cause;
        return new(first.Node, FailureText.MessageOf(first.InnerException!));
    }

    private bool MayTryAgain(int failures) => core.Options.Delivery is { Level: DeliveryLevel.Replay } replay && failures < replay.Count;

    /// <summary>Handles a value that cannot be written. Fewer items run together until the item that caused it is alone; then that item has
    /// failed. In a round without items, a stage has acted by itself: it is tried again, and finally its emissions are given up.</summary>
    private void Refuse(Round round, List<Root> roots, UnwritableException unwritable)
    {
        TakeBack(round);
        if (unwritable.IsEmission && round.StopStoringEmissions())
        {
            Undo(round, roots);
            core.Rounds!.Repeat(round);
            return;
        }
        OwnedPartition partition = round.Partition;
        List<RoundItem> remaining = [.. round.Remaining];
        if (remaining.Count > 1)
        {
            Undo(round, roots);
            core.Rounds!.Divide(round, isTooLarge: false);
            return;
        }
        if (remaining.Count == 1)
        {
            Root root = roots.First(one => one.Item == remaining[0]);
            root.Refuse(unwritable.AsFailure());
            if (root.ShouldReplay(core.Options.Delivery))
                remaining[0].Verdict = new(core.LetterBuilder.Defer(root), BisectionResult.None);
            // the next item would fail alike
            else if (unwritable.IsEmission && (unwritable.IsStructural || partition.HasUnwritable)) round.GivesUpEmissions = true;
            else
            {
                partition.HasUnwritable = unwritable.IsEmission;
                remaining[0].Verdict = new(null, core.LetterBuilder.Of(root, isUndone: true));
            }
        }
        else if (round.IsEnding)
        {
            Undo(round, roots);
            core.Rounds!.EndLater(partition, unwritable.AsNodeFailure());
            core.Rounds.End(round, isCommitted: false);
            return;
        }
        else if (!unwritable.IsEmission && TryFireFewer(round, roots, _ => unwritable.AsFailure(), isTooLarge: false)) return;
        else if (!MayTryAgain(round.Failures++))
        {
            if (!unwritable.IsEmission)
            {
                core.Lifetime.Failed?.Invoke(unwritable.AsNodeFailure());
                return;
            }
            round.GivesUpEmissions = true;
        }
        Undo(round, roots);
        core.Rounds!.Repeat(round);
    }

    /// <summary>Fails the root of an item that a sink refuses. If the item is unknown, fewer items run together.</summary>
    /// <returns>Whether the item is known, so that the others can be committed; if not, the round runs again.</returns>
    private bool TryBlame(Round round, List<Root> roots, Rejection rejection)
    {
        TakeBack(round);
        if (rejection.Root is { } known)
        {
            known.Refuse(rejection.AsFailure(core.Nodes));
            return true;
        }
        if (round.Remaining.Skip(1).Any())
        {
            Undo(round, roots);
            core.Rounds!.Divide(round, isTooLarge: false);
            return false;
        }
        // Each emission is retried with its own commit; then only the item is left.
        List<Root> staged = roots.FindAll(root => rejection.IsByNobody ? root.Staged is not null : root.HasStagedFor(rejection.Sink));
        List<Root> emitted = staged.FindAll(static root => root.Item is null);
        foreach (Root root in emitted.Count > 0 ? emitted : staged) root.Refuse(rejection.AsFailure(core.Nodes));
        return true;
    }
}
