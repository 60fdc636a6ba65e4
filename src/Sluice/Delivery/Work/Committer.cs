namespace Sluice;

/// <summary>Commits what has ended: one commit of a partition after the other, those of several partitions side by side.</summary>
/// <remarks>One loop; everything in here is called by it. While a commit is under way others end, so commits grow with the load.</remarks>
internal sealed partial class Committer(ConsecutorCore core)
{
    private readonly List<Root> taken = [];
    private readonly List<OwnedPartition> concerned = [];
    private readonly AsyncLock committing = new();                       // sinks are called by one party at a time
    private readonly CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(core.Life);
    private readonly CancellationTokenSource hurry = CancellationTokenSource.CreateLinkedTokenSource(core.Life);
    private EpochCommitter? epochs;
    private volatile bool isEnding;
    private Request? settleFirst;

    /// <summary>From here on nothing waits for others to share its commit.</summary>
    public void Hurry() => hurry.Cancel();

    /// <summary>No more will end. A commit that the store is answering is waited for; one that it has failed to answer is not sent again.</summary>
    public void End()
    {
        isEnding = true;
        patience.Cancel();
        hurry.Cancel();
        core.ToCommit.Set();
    }

    public async Task RunAsync()
    {
        try
        {
            while (!core.Life.IsCancellationRequested)
            {
                await core.ToCommit.WaitAsync().ConfigureAwait(false);
                if (isEnding) break;
                if (core.Epochs is null && core.Options.CommitInterval > TimeSpan.Zero && core.InFlight < core.Options.MaxInFlight && core.IsLeasing)
                    await Task.Delay(core.Options.CommitInterval, core.Time, hurry.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                patience.Token.ThrowIfCancellationRequested();
                await committing.EnterAsync(core.Life).ConfigureAwait(false);
                try
                {
                    await CommitAllAsync().ConfigureAwait(false);
                }
                finally
                {
                    committing.Leave();
                }
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            // Dropped: what was not committed goes back to the store when its partition is released or taken.
        }
        finally
        {
            await patience.CancelAsync().ConfigureAwait(false);          // nobody is answered any more
        }
    }

    /// <summary>Waits until the commits that are under way now are answered.</summary>
    /// <returns>Not if the consecutor is about to end: that waits for whoever waits here, and gives up the commits only then.</returns>
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

    /// <summary><see cref="BeginSinksAsync"/> for partitions that were taken while it is at work.</summary>
    /// <returns>Whether that was done: not if the consecutor is about to end, as in <see cref="PassAsync"/>.</returns>
    public async Task<bool> TryBeginSinksAsync(IReadOnlyList<OwnedPartition> taken)
    {
        try
        {
            await BeginSinksAsync(taken, hurry.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (hurry.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Sinks are told what is committed, before anything is. Called before anything runs, and when partitions were taken anew.</summary>
    /// <param name="taken">Partitions that have been taken, and are not ours yet for others.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task BeginSinksAsync(IReadOnlyList<OwnedPartition> taken, CancellationToken cancellation)
    {
        await committing.EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            IReadOnlyDictionary<string, long>[] lengths = [.. core.Owned.Concat(taken).Select(partition => partition.FileLengths)];
            foreach (SinkBinding sink in core.Sinks)
                await sink.BeginAsync(new(core.Name, sink.Node, core.Given, FileNames.Select(sink.Node, lengths), core.Time), cancellation).ConfigureAwait(false);
        }
        finally
        {
            committing.Leave();
        }
    }

    private Spiller Spiller => field ??= new(
        core, (partition, commit) => CommitSender.SendAsync(core, partition, commit, patience.Token), result => core.Failed?.Invoke(OutputEnded(result)));

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
                request.Done.TrySetException(e);     // what is not settled must not be started
                throw;
            }
        }
        if (core.Epochs is not null)
        {
            await CommitEpochsAsync(core.Epochs.TakeOver()).ConfigureAwait(false);
            return;
        }
        taken.Clear();
        concerned.Clear();
        core.Ended.TakeAll(taken);
        foreach (Root root in taken)
        {
            if (root.Partition.Ended.Count == 0) concerned.Add(root.Partition);
            root.Partition.Ended.Add(root);
        }
        if (concerned.Count == 0) return;
        if (core.Sinks.Count > 0)
        {
            foreach (OwnedPartition partition in concerned) await CommitAsync(partition).ConfigureAwait(false);
            return;
        }
        await Task.WhenAll(concerned.Select(CommitAsync)).ConfigureAwait(false);
    }

    private async Task CommitEpochsAsync(List<Epoch> over)
    {
        epochs ??= new(core, TryApplyAsync, Spiller.ResumeAsync);
        if (core.Sinks.Count == 0) await Task.WhenAll(over.Select(epochs.CommitAsync)).ConfigureAwait(false);
        else
            foreach (Epoch epoch in over) await epochs.CommitAsync(epoch).ConfigureAwait(false);
    }

    private async Task CommitAsync(OwnedPartition partition)
    {
        List<Root> roots = partition.Ended;
        try
        {
            int most = int.MaxValue;
            for (int at = 0; at < roots.Count;)
            {
                if (partition.IsVoid && !roots[at].IsFree)
                {
                    Discard(roots, at);
                    return;
                }
                if (roots[at].IsSpilled)
                {
                    await Spiller.ResumeAsync(roots[at++]).ConfigureAwait(false);
                    continue;
                }
                var draft = new CommitDraft(core, partition);
                while (at < roots.Count && draft.Roots.Count < most && !roots[at].IsSpilled)
                {
                    if (roots[at].IsFree) LetGo(roots[at]);
                    else if (!draft.TryAdd(roots[at])) break;
                    at++;
                }
                int count = draft.Roots.Count;
                if (count == 0) continue;
                ApplyResult result = await TryApplyAsync(draft).ConfigureAwait(false);
                if (result.IsSettled) continue;

                // With what the sinks have added it is too large, or one of its items is refused. Which one, or how much an item becomes, only the sinks know: try it with fewer.
                at -= count;
                if (result.Rejection is { } rejection && (rejection.Root ?? (count == 1 ? roots[at] : null)) is { } bad)
                {
                    bad.Refuse(rejection.AsFailure(core));
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

    /// <returns>Whether it is settled, applied or void; if not, it is larger than a commit may be, or an item of it is refused, and nothing was done.</returns>
    private async Task<ApplyResult> TryApplyAsync(CommitDraft draft)
    {
        OwnedPartition partition = draft.Partition;
        using DraftOutputs? outputs = DraftOutputs.Of(core, draft);
        List<SinkBinding> sinks = Preparation.Collect(draft);
        (CommitParts parts, Rejection? rejection) = await Preparation.PrepareAsync(core, draft, sinks, patience.Token).ConfigureAwait(false);
        if (rejection is not null) return new(false, rejection);
        outputs?.AddTo(parts);
        StoreCommit commit = draft.Build(parts) with { MustLast = sinks.Count > 0 };          // they are told that it is, and may forget what they would need to do it again
        bool isSpilled = !commit.Fits, isSealed = false;
        if (isSpilled && !Spiller.CanApply(draft.Only, commit))
        {
            await Preparation.VoidAsync(core, sinks).ConfigureAwait(false);
            return default;
        }
        CommitResult result;
        try
        {
            result = outputs is null
                ? await SendAsync().ConfigureAwait(false)
                : await outputs.SendAsync(SendAsync, core.Life).ConfigureAwait(false);
        }
        catch (ItemRejectedException e) when (Rejection.By(sinks, parts, e) is { } refused)
        {
            await Preparation.VoidAsync(core, sinks).ConfigureAwait(false);
            return new(false, refused);
        }
        bool isCommitted = result.Status == CommitStatus.Committed;
        if (isCommitted)
        {
            if (!isSpilled) (partition.NextCommit, partition.Books) = (partition.NextCommit + 1, draft.NewBooks);
            foreach (FileLength file in parts.FileLengths) partition.FileLengths[file.Name] = file.Length;
            CommitCounts counts = draft.Counts;
            long deleted = await LetterLimit.TrimAsync(core, counts.Letters).ConfigureAwait(false);
            core.Books.Settle(partition, counts with { Letters = counts.Letters - deleted, Cancelled = counts.Cancelled + deleted }, draft.Deferred, draft.Waited);
            core.Problem = null;
        }
        else
        {
            core.Lose(partition);
            core.Members.Doubt();
            core.Books.Discard(draft.Counts.Roots);
        }
        foreach (SinkBinding sink in sinks) await sink.FinishAsync(isCommitted || isSealed, core.Life).ConfigureAwait(false);
        foreach (Root root in draft.Roots) root.Recycle();
        partition.End(core, (int)draft.Counts.Roots);
        if (result.Status == CommitStatus.OutputEnded) core.Failed?.Invoke(OutputEnded(result));
        return new(true);

        Task<CommitResult> SendAsync() => isSpilled ? SpillAsync() : CommitSender.SendAsync(core, partition, commit, patience.Token);

        async Task<CommitResult> SpillAsync()
        {
            (CommitResult spilled, isSealed) = await Spiller.ApplyAsync(partition, commit, draft.Counts).ConfigureAwait(false);
            return spilled;
        }
    }

    private InvalidOperationException OutputEnded(CommitResult result) => new(
        $"A stream that the consecutor {core.Name} puts out to has ended, so nothing that leads there can be committed any more. {result.Detail}. What was under way goes back to the store.");

    private void Discard(List<Root> roots, int from)
    {
        int count = roots.Count - from;
        OwnedPartition partition = roots[from].Partition;
        for (int i = from; i < roots.Count; i++) roots[i].Recycle();
        core.Books.Discard(count);
        partition.End(core, count);
    }

    private void LetGo(Root root)
    {
        if (root.Outcome == Outcome.Failed) core.Books.FailFree();
        OwnedPartition partition = root.Partition;
        root.Recycle();
        partition.End(core, 1);
    }
}
