namespace Sluice.Delivery;

/// <summary>Has the sinks prepare a commit.</summary>
/// <remarks>Used by the committer.</remarks>
internal static class Preparation
{
    /// <summary>Hands the staged parts of the roots to their sinks.</summary>
    public static List<SinkBinding> Collect(CommitDraft draft)
    {
        List<SinkBinding> sinks = [];
        List<StagedPart> parts = [];
        foreach (Root root in draft.Roots)
        {
            if (root.Staged is null) continue;
            parts.Clear();
            for (StagedPart? part = root.Staged; part is not null; part = part.Next) parts.Add(part);
            for (int i = parts.Count - 1; i >= 0; i--)
            {
                if (parts[i].Sink is not { } sink) continue;
                if (!sinks.Contains(sink)) sinks.Add(sink);
                int ordinal = 0;
                for (int j = parts.Count - 1; j > i; j--) if (parts[j].Sink == sink) ordinal++;
                sink.Collect(parts[i], root, ordinal);
            }
        }
        return sinks;
    }

    /// <summary>Has the sinks prepare the commit, and repeats that until they succeed or the partition is lost.</summary>
    /// <returns>
    /// The additions of the sinks; null if the partition is lost. Or the refusal of an item, after which no sink is prepared any more.
    /// </returns>
    public static async Task<(CommitParts? Parts, Rejection? Rejection)> PrepareAsync(ConsecutorCore core, CommitDraft draft,
        List<SinkBinding> sinks, CancellationToken abandoned)
    {
        for (TimeSpan wait = CommitSender.FirstWait; ; wait = CommitSender.Longer(wait))
        {
            var parts = new CommitParts(draft.Partition.Number);
            SinkBinding? current = null;
            try
            {
                foreach (SinkBinding sink in sinks)
                {
                    current = sink;
                    await sink.PrepareAsync(parts, core.Lifetime.Token).ConfigureAwait(false);
                }
                TransactionPart.AddTo(parts, draft.Roots, core.Recorder);
                core.Problems.OfCommits = null;
                return (parts, null);
            }
            catch (ItemRejectedException e)
            {
                Rejection rejection = Rejection.By(current!, e);
                await VoidAsync(core, sinks, abandoned).ConfigureAwait(false);
                return (parts, rejection);
            }
            catch (Exception e) when (!core.Lifetime.Token.IsCancellationRequested
                && !(e is OperationCanceledException && abandoned.IsCancellationRequested))
            {
                core.Problems.OfCommits = $"A sink could not prepare a commit; it is tried again: {FailureText.Of(e)}";
                await VoidAsync(core, sinks, abandoned).ConfigureAwait(false);
            }
            if (draft.Partition.IsVoid)
            {
                core.Problems.GiveUpCommit();
                return (null, null);                 // another member has it now, and its sink may refuse this one
            }
            await RetryPause.WaitAsync(wait, core.Time, abandoned).ConfigureAwait(false);
            Collect(draft);
        }
    }

    /// <summary>Tells the sinks that their preparation is not committed, and repeats that until they have undone it.</summary>
    public static async Task VoidAsync(ConsecutorCore core, List<SinkBinding> sinks, CancellationToken abandoned)
    {
        (string? before, string? problem) = (core.Problems.OfCommits, null);
        foreach (SinkBinding sink in sinks)
            for (TimeSpan wait = CommitSender.FirstWait; ; wait = CommitSender.Longer(wait))
            {
                try
                {
                    await sink.FinishAsync(isCommitted: false, core.Lifetime.Token).ConfigureAwait(false);
                    break;
                }
                catch (Exception e) when (!core.Lifetime.Token.IsCancellationRequested)
                {
                    problem = $"A sink could not undo a commit that was not applied; it is tried again: {FailureText.Of(e)}";
                    core.Problems.OfCommits = problem;
                }
                await RetryPause.WaitAsync(wait, core.Time, abandoned).ConfigureAwait(false);
            }
        if (problem is not null && core.Problems.OfCommits == problem) core.Problems.OfCommits = before;
    }

    /// <summary>Tells the sinks that their commit is applied. A failure there cannot undo it: it is told, once until the sink
    /// succeeds.</summary>
    public static async Task ConfirmAsync(ConsecutorCore core, List<SinkBinding> sinks)
    {
        foreach (SinkBinding sink in sinks)
        {
            try
            {
                await sink.FinishAsync(isCommitted: true, core.Lifetime.Token).ConfigureAwait(false);
                sink.FailsToConfirm = false;
            }
            catch (Exception e) when (!core.Lifetime.Token.IsCancellationRequested)
            {
                if (!sink.FailsToConfirm)
                    core.Lifetime.Warn($"The sink {sink.Node} of the consecutor {core.Name} has failed after a commit, which stays "
                        + $"applied: {FailureText.Of(e)}");
                sink.FailsToConfirm = true;
            }
        }
    }

    /// <summary>The failure of the node with the longest row, if the rows alone are larger than a commit; else null.</summary>
    private static PipelineException? StateTooLarge(ConsecutorCore core, List<StateRow> rows)
    {
        long all = rows.Sum(static row => row.Value?.Length ?? 0L);
        if (all <= StoreCommit.MaxBytes || rows.MaxBy(static row => row.Value?.Length ?? 0) is not { Value: { } value } row) return null;
        string of = $"The state of the node '{row.Node}'{(row.Key.Length == 0 ? "" : $" under the key '{ItemText.Of(row.Key)}'")}";
        string size = value.Length > StoreCommit.MaxBytes ? $"{of} has {value.Length:N0} bytes"
            : $"The item has changed {rows.Count:N0} rows of state with {all:N0} bytes. {of} is the longest, with {value.Length:N0} bytes";
        var cause = new InvalidOperationException(
            $"{size}; the state that one item changes has at most {StoreCommit.MaxBytes:N0} bytes. Keep less under one key: divide the "
                + "key, keep a summary, or keep the data elsewhere and its address in the state.");
        return new(row.Node, null, cause, core.Nodes.Find(row.Node) ?? -1);
    }

    /// <summary>The node of the last result of a root.</summary>
    public static int NodeOf(ConsecutorCore core, Root root) => root.Staged switch
    {
        { Sink: { } sink } => core.Nodes.Find(sink.Node)!.Value,
        OutputPart part => part.Node,
        TransactionPart part => part.Node,
        _ => core.Recorder.Count - 1,
    };

    /// <summary>The failure of a root that by itself is larger than a commit.</summary>
    /// <param name="core">The consecutor.</param>
    /// <param name="root">The root.</param>
    /// <param name="rows">The rows of state that it has changed; null for none.</param>
    public static PartFailure TooLarge(ConsecutorCore core, Root root, List<StateRow>? rows = null)
    {
        if (rows is not null && StateTooLarge(core, rows) is { } ofState)
            return new(ofState, IsPartial: true, IsFinal: true, Attempts: 1);
        int node = NodeOf(core, root);
        var cause = new InvalidOperationException(
            $"The item became more in its state, sinks and outputs than one commit can hold: {StoreCommit.MaxItems:N0} entries, "
                + $"or {StoreCommit.MaxBytes:N0} bytes in several. "
            + "Publish what it becomes by reference, or divide the item before it is sent.");
        return new(new PipelineException(core.Recorder.NameOf(node), null, cause, node), IsPartial: true, IsFinal: true, Attempts: 1);
    }
}
