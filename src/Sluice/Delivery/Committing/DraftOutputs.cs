namespace Sluice.Delivery;

/// <summary>The outputs of the roots of a commit: entries for the streams of other consecutors, in the order of the roots.</summary>
/// <remarks>Belongs to one commit. Several commits may be made at the same time.</remarks>
internal sealed class DraftOutputs : IDisposable
{
    private readonly List<OutputState> counted = [];
    // of each stream; by name, so that all enter the gates in one order
    private readonly SortedDictionary<string, Share> shares = new(StringComparer.Ordinal);
    private readonly CommitDraft draft;
    private readonly IReadOnlyList<Reservation> spare;

    private DraftOutputs(CommitDraft draft) => (this.draft, spare) = (draft, draft.Partition.Spare.Present);

    /// <returns>Null if the roots have no outputs.</returns>
    public static DraftOutputs? Of(NamedOutputs named, CommitDraft draft)
    {
        if (!named.IsUsed) return null;
        var outputs = new DraftOutputs(draft);
        foreach (Root root in draft.Roots) outputs.Add(root);
        foreach (Reservation kept in outputs.spare) outputs.GiveBack(kept);
        return outputs;
    }

    public void AddTo(CommitParts parts)
    {
        foreach ((string stream, Share share) in shares)
            parts.Outputs.Add(new(stream, share.Entries)
            {
                ReservedItems = share.ReservedItems,
                ReservedBytes = share.ReservedBytes,
                Partitions = share.Target?.Stream.Partitions ?? 1
            });
    }

    /// <summary>
    /// Sends the commit inside the targets' <see cref="ConsecutorCore.Accepting"/> gates, so that their ledgers count each entry
    /// exactly once.
    /// </summary>
    /// <param name="send">Sends it. Waits that it hands over are outside of the gates: a target that closes its gate does not wait for
    /// them.</param>
    /// <param name="cancellation">Gives up the waits for the gates.</param>
    public async Task<CommitResult> SendAsync(Func<Func<Task, Task>, Task<CommitResult>> send, CancellationToken cancellation)
    {
        List<ConsecutorCore> entered = [];
        bool wasOutside = false;
        try
        {
            await EnterAsync().ConfigureAwait(false);
            CommitResult result = await send(OutsideAsync).ConfigureAwait(false);
            if (result.Status != CommitStatus.Committed) return result;
            Committed();
            // An earlier try may have been applied, and its entries counted while the gate was closed.
            if (wasOutside) foreach (ConsecutorCore target in entered) target.Doubts.Add();
            return result;
        }
        finally
        {
            Leave();
        }

        async Task OutsideAsync(Task something)
        {
            Leave();
            wasOutside = true;
            await something.ConfigureAwait(false);
            await EnterAsync().ConfigureAwait(false);
        }

        async Task EnterAsync()
        {
            foreach (Share share in shares.Values)
            {
                if (share.Target is not { } target) continue;
                await target.Accepting.EnterAsync(cancellation).ConfigureAwait(false);
                entered.Add(target);
            }
        }

        void Leave()
        {
            foreach (ConsecutorCore target in entered) target.Accepting.Leave();
            entered.Clear();
        }
    }

    public void Dispose()
    {
        foreach (Share share in shares.Values) share.Entries.Dispose();
    }

    private void Committed()
    {
        foreach (OutputState output in counted) output.Count();
        foreach (Share share in shares.Values) share.Target?.Ledger.Accept(share.Entries.Count);
        draft.Partition.Spare.Forget(spare);
    }

    private void Add(Root root)
    {
        for (Reservation? kept = root.Reservations; kept is not null; kept = kept.Next) GiveBack(kept);
        int count = 0;
        for (StagedPart? part = root.Staged; part is not null; part = part.Next) if (part is OutputPart) count++;
        if (count == 0) return;
        var parts = new OutputPart[count];
        for (StagedPart? part = root.Staged; part is not null; part = part.Next) if (part is OutputPart output) parts[--count] = output;
        BatchTag? batch = root.Headers.Batch;
        foreach (OutputPart part in parts)
        {
            counted.Add(part.Output);
            if (part.Output.Target is not { } target) continue;
            Share share = Of(target.Core.Name);
            share.Target = target.Core;
            share.Entries.Add(part.Payload, part.Key, part.Headers);
            if (batch is not null) draft.Batches.Accept(batch);
        }
    }

    private void GiveBack(Reservation kept)
    {
        Share share = Of(kept.Stream);
        share.ReservedItems += kept.Items;
        share.ReservedBytes += kept.Bytes;
    }

    private Share Of(string stream)
    {
        if (!shares.TryGetValue(stream, out Share? share)) shares.Add(stream, share = new());
        return share;
    }

    private sealed class Share
    {
        private EntryBatch? entries;

        /// <summary>Empty if places are given back only; else asked for after the target is known.</summary>
        public EntryBatch Entries => entries ??= new()
        {
            Stream = Target?.Name ?? "",
            CodeVersion = Target?.Options.CodeVersion ?? 0,
            MaxEntryBytes = int.MaxValue
        };

        public ConsecutorCore? Target { get; set; }

        public long ReservedItems { get; set; }

        public long ReservedBytes { get; set; }
    }
}
