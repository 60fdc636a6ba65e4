namespace Sluice;

/// <summary>What is to be done for the sinks of a commit before it can be made.</summary>
/// <remarks>The committer's.</remarks>
internal static class Preparation
{
    /// <summary>Hands what the roots of a commit have staged to the sinks that it is for.</summary>
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

    /// <summary>Has them prepare the commit, until they have.</summary>
    /// <returns>What they have added; or who has refused an item. Then nothing is prepared any more.</returns>
    public static async Task<(CommitParts Parts, Rejection? Rejection)> PrepareAsync(ConsecutorCore core, CommitDraft draft, List<SinkBinding> sinks, CancellationToken patience)
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
                    await sink.PrepareAsync(parts, core.Life).ConfigureAwait(false);
                }
                core.CommitProblem = null;
                return (parts, null);
            }
            catch (ItemRejectedException e)
            {
                Rejection rejection = Rejection.By(current!, e);
                await VoidAsync(core, sinks).ConfigureAwait(false);
                return (parts, rejection);
            }
            catch (Exception e) when (!core.Life.IsCancellationRequested)
            {
                core.CommitProblem = $"A sink could not prepare a commit; it is tried again: {FailureText.Of(e)}";
                await VoidAsync(core, sinks).ConfigureAwait(false);
            }
            await Task.Delay(wait, core.Time, patience).ConfigureAwait(false);
            Collect(draft);
        }
    }

    /// <summary>What they have prepared is not committed.</summary>
    public static async Task VoidAsync(ConsecutorCore core, List<SinkBinding> sinks)
    {
        foreach (SinkBinding sink in sinks) await sink.FinishAsync(isCommitted: false, core.Life).ConfigureAwait(false);
    }

    /// <summary>What is said of a root that by itself becomes more than a commit can hold.</summary>
    public static PartFailure TooLarge(ConsecutorCore core, Root root)
    {
        int node = root.Staged switch
        {
            { Sink: { } sink } => core.Nodes.Find(sink.Node)!.Value,
            OutputPart part => part.Node,
            _ => core.Recorder.Count - 1,
        };
        var cause = new InvalidOperationException(
            $"The item became more in its sinks and outputs than one commit can hold: {StoreCommit.MaxItems:N0} entries, or {StoreCommit.MaxBytes:N0} bytes in several. "
            + "Publish what it becomes by reference, or divide the item before it is sent.");
        return new(new PipelineException(core.Recorder.NameOf(node), null, cause, node), IsPartial: true, IsFinal: true, Attempts: 1);
    }
}
