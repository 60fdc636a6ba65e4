using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <summary>
/// Commits the items that have ended: one commit of a partition after the other, those of several partitions side by side.
/// </summary>
/// <remarks>
/// One loop calls everything in here. During a commit more items end, so commits grow with the load. <c>committing</c> guards the
/// sinks.
/// </remarks>
internal sealed partial class Committer(ConsecutorCore core)
{
    private readonly List<Root> taken = [];
    private readonly List<OwnedPartition> concerned = [];
    private readonly AsyncLock committing = new();                       // sinks are called by one caller at a time
    private readonly CancellationTokenSource abandoned = CancellationTokenSource.CreateLinkedTokenSource(core.Lifetime.Token);
    private readonly CancellationTokenSource hurry = CancellationTokenSource.CreateLinkedTokenSource(core.Lifetime.Token);
    private readonly CommitSender sender = new(core.Store, core.Time, core.Losses, core.Lifetime, core.Problems, core.Commits,
        core.Telemetry, core.Stopped);
    private RoundCommitter? rounds;
    private volatile bool isEnding;
    private Request? settleFirst;

    /// <summary>Ends the waits for a larger commit (<see cref="ConsecutorOptions.CommitInterval"/>). Any thread.</summary>
    public void Hurry() => core.Lifetime.Cancel(hurry);

    /// <summary>Ends the loop. It waits for the answer to a commit, and does not send a failed commit again. Any thread.</summary>
    public void End()
    {
        isEnding = true;
        core.Lifetime.Cancel(abandoned);
        core.Lifetime.Cancel(hurry);
        core.ToCommit.Set();
    }

    public async Task RunAsync()
    {
        try
        {
            while (!core.Lifetime.Token.IsCancellationRequested)
            {
                await core.ToCommit.WaitAsync().ConfigureAwait(false);
                if (isEnding) break;
                if (core.Rounds is null && core.Options.CommitInterval > TimeSpan.Zero)
                    await core.CommitWait.WaitAsync(hurry.Token).ConfigureAwait(false);
                abandoned.Token.ThrowIfCancellationRequested();
                for (TimeSpan wait = CommitSender.FirstWait; !await TryCommitAllAsync().ConfigureAwait(false);
                    wait = CommitSender.Longer(wait))
                {
                    // Outside of the lock: the sinks may begin meanwhile, for partitions that are acquired.
                    await RetryPause.WaitAsync(wait, core.Time, abandoned.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (abandoned.IsCancellationRequested || core.Lifetime.Token.IsCancellationRequested)
        {
            // Dropped: items that were not committed go back to the store when their partition is released or acquired.
        }
        finally
        {
            core.Lifetime.Cancel(abandoned);                              // no caller waits for a result any more
        }
    }

    /// <summary>Waits until the store has answered the present commits.</summary>
    /// <returns>False if the consecutor is about to end: the end waits for this caller, and gives up the commits only then.</returns>
    public async Task<bool> PassAsync()
    {
        try
        {
            await committing.EnterAsync(hurry.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        committing.Leave();
        return true;
    }

    /// <summary>Commits what has ended.</summary>
    /// <returns>False if the sinks could not begin: nothing was prepared.</returns>
    private async Task<bool> TryCommitAllAsync()
    {
        await committing.EnterAsync(core.Lifetime.Token).ConfigureAwait(false);
        try
        {
            if (mustBegin && !await TryBeginAgainAsync().ConfigureAwait(false)) return false;
            await CommitAllAsync().ConfigureAwait(false);
            return true;
        }
        finally
        {
            committing.Leave();
        }
    }

    private Spiller Spiller => field ??= new(
        core, (partition, commit) => sender.SendAsync(partition, commit, abandoned.Token),
            result => core.Lifetime.Failed?.Invoke(OutputEnded(result)), abandoned.Token);

    private async Task CommitAllAsync()
    {
        if (Interlocked.Exchange(ref settleFirst, null) is { } request)
        {
            try
            {
                await SettleAsync(request).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                request.Done.TrySetException(e);     // items that are not settled must not start
                throw;
            }
        }
        if (core.Rounds is not null)
        {
            await CommitRoundsAsync(core.Rounds.TakeOver()).ConfigureAwait(false);
            return;
        }
        taken.Clear();
        concerned.Clear();
        core.Ended.TakeAll(taken);
        foreach (Root root in taken)
        {
            if (root.IsFree)
            {
                LetGo(root);
                continue;
            }
            if (root.Partition.Ended.Count == 0) concerned.Add(root.Partition);
            root.Partition.Ended.Add(root);
        }
        if (concerned.Count == 0) return;
        if (core.Sinks.All.Count > 0)
        {
            foreach (OwnedPartition partition in concerned) await CommitAsync(partition).ConfigureAwait(false);
            return;
        }
        await Task.WhenAll(concerned.Select(CommitAsync)).ConfigureAwait(false);
    }

    private async Task CommitRoundsAsync(List<Round> over)
    {
        rounds ??= new(core, TryApplyAsync, Spiller.ResumeAsync);
        if (core.Sinks.All.Count == 0) await Task.WhenAll(over.Select(rounds.CommitAsync)).ConfigureAwait(false);
        else
            foreach (Round round in over) await rounds.CommitAsync(round).ConfigureAwait(false);
    }

    private async Task CommitAsync(OwnedPartition partition)
    {
        List<Root> roots = partition.Ended;
        try
        {
            int most = int.MaxValue;
            for (int at = 0; at < roots.Count;)
            {
                if (partition.IsVoid)
                {
                    Discard(roots, at);
                    return;
                }
                if (roots[at].IsSpilled)
                {
                    await Spiller.ResumeAsync(roots[at++]).ConfigureAwait(false);
                    continue;
                }
                var draft = new CommitDraft(core.Identity, core.LetterBuilder, partition);
                while (at < roots.Count && draft.Roots.Count < most && !roots[at].IsSpilled && draft.TryAdd(roots[at])) at++;
                int count = draft.Roots.Count;
                ApplyResult result = await TryApplyAsync(draft).ConfigureAwait(false);
                if (result.IsSettled) continue;

                // The additions of the sinks make it too large, or a sink refuses an item. Only the sinks know which item: try fewer items.
                at -= count;
                if (result.Rejection is { } rejection && (rejection.Root ?? (count == 1 ? roots[at] : null)) is { } bad)
                {
                    bad.Refuse(rejection.AsFailure(core.Nodes));
                    most = int.MaxValue;
                    continue;
                }
                most = Math.Max(1, count / 2);
                if (count == 1) roots[at].Refuse(Preparation.TooLarge(core, roots[at]));
            }
        }
        finally
        {
            roots.Clear();
        }
    }

    /// <returns>Whether the commit is settled: applied or void. If not, it is too large or an item is refused, and nothing was
    /// done.</returns>
    private async Task<ApplyResult> TryApplyAsync(CommitDraft draft)
    {
        using DraftOutputs? outputs = DraftOutputs.Of(core.Outputs, draft);
        List<SinkBinding> sinks = Preparation.Collect(draft);
        (CommitParts? parts, Rejection? rejection) = await Preparation.PrepareAsync(core, draft, sinks, abandoned.Token)
            .ConfigureAwait(false);
        if (rejection is not null) return new(false, rejection);
        if (parts is null)
        {
            GiveUp(draft);
            End(draft);
            return new(true);
        }
        outputs?.AddTo(parts);
        if (draft.Counts is { Roots: > 0, Derived: 0 }) return await ApplyAsync(draft, outputs, sinks, parts).ConfigureAwait(false);
        // A timer and the end of the input have no item in flight, and neither have the items that a commit makes: a recount would not
        // know that they are about to be counted.
        LedgerChange counting = core.Ledger.BeginChange(isOfLetters: false);
        try
        {
            return await ApplyAsync(draft, outputs, sinks, parts).ConfigureAwait(false);
        }
        finally
        {
            core.EndChange(counting);
        }
    }

    private async Task<ApplyResult> ApplyAsync(CommitDraft draft, DraftOutputs? outputs, List<SinkBinding> sinks, CommitParts parts)
    {
        OwnedPartition partition = draft.Partition;
        // sinks hear that it is committed, and may forget how to repeat it
        StoreCommit commit = draft.Build(parts) with { MustLast = sinks.Count > 0 };
        bool isSpilled = !commit.Fits, isSealed = false;
        if (isSpilled && !Spiller.CanApply(draft.Only, commit))
        {
            await Preparation.VoidAsync(core, sinks, abandoned.Token).ConfigureAwait(false);
            return default;
        }
        CommitResult? answer = null;
        Exception? failure = null;
        Activity? span = ItemSpans.BeginCommit(core.Telemetry, draft.Roots);
        try
        {
            answer = outputs is null
                ? await SendAsync(null).ConfigureAwait(false)
                : await outputs.SendAsync(SendAsync, abandoned.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ItemRejectedException or PayloadException)
        {
            failure = e;
            Rejection? refused = e is ItemRejectedException rejected ? Rejection.By(sinks, parts, rejected, core.Lifetime.Warn) : null;
            if (refused is null && draft.Roots.Find(static root => root.Staged is not null) is { } staged)
                refused = Rejection.ByNobody(core.Recorder.NameOf(Preparation.NodeOf(core, staged)), e);
            await Preparation.VoidAsync(core, sinks, abandoned.Token).ConfigureAwait(false);
            if (refused is null) throw;              // no item has added anything: it is the store's failure
            return new(false, refused);
        }
        finally
        {
            if (span is not null) CommitSender.End(span, answer, failure);
        }
        CommitResult result = answer;
        bool isCommitted = result.Status == CommitStatus.Committed;
        if (isCommitted)
        {
            if (!isSpilled) (partition.NextCommit, partition.Counts) = (partition.NextCommit + 1, draft.NewBooks);
            Note(partition, parts.FileLengths);
            await CountAsync(draft).ConfigureAwait(false);
            core.Problems.Latest = null;
            if (draft.HasFailures) draft.Tell(core.Failures);
        }
        else
        {
            GiveUp(draft);
        }
        if (!isCommitted && !isSealed) await Preparation.VoidAsync(core, sinks, abandoned.Token).ConfigureAwait(false);
        else await Preparation.ConfirmAsync(core, sinks).ConfigureAwait(false);
        End(draft);
        if (result.Status == CommitStatus.OutputEnded) core.Lifetime.Failed?.Invoke(OutputEnded(result));
        return new(true);

        Task<CommitResult> SendAsync(Func<Task, Task>? outside)
            => isSpilled ? SpillAsync() : sender.SendAsync(partition, commit, abandoned.Token, outside);

        async Task<CommitResult> SpillAsync()
        {
            (CommitResult spilled, isSealed) = await Spiller.ApplyAsync(partition, commit, draft.Counts).ConfigureAwait(false);
            return spilled;
        }
    }
}
