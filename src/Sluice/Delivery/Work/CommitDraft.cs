namespace Sluice;

/// <summary>A commit in the making: decides what becomes of roots that have ended, and adds it up.</summary>
internal sealed class CommitDraft(ConsecutorCore core, OwnedPartition partition)
{
    private const int MaxParts = StoreCommit.MaxItems - 1;            // one for the books

    private readonly List<Root> roots = [];
    private readonly List<long> settled = [];
    private readonly List<Deferral> deferred = [];
    private readonly List<Burial> letters = [];
    private CommitCounts counts;
    private long bytes;

    public OwnedPartition Partition => partition;

    public List<Root> Roots => roots;

    public CommitCounts Counts => counts;

    public List<Deferral> Deferred => deferred;

    /// <summary>Adds a root, unless the commit has no room for it.</summary>
    public bool TryAdd(Root root)
    {
        List<Burial>? burials = null;
        Deferral? deferral = null;
        if (root.Park is { } why) deferral = new(root.EntrySequence, root.Attempt - 1, null, root.Headers.Node ?? "", why);
        else if (root.Failures is { } failure)
        {
            if (ShouldReplay(root)) deferral = Defer(root, failure);
            else if (core.Options.Delivery.Level != DeliveryLevel.Confirm) burials = Verdict.Bury(core, root);
        }
        if (burials is not null)
        {
            long more = burials.Sum(letter => (letter.Payload?.Length ?? 0L) + (letter.Headers?.Length ?? 0L));
            if (letters.Count + deferred.Count + burials.Count > MaxParts || bytes + more > StoreCommit.MaxBytes / 2)
            {
                if (roots.Count > 0) return false;
                burials = [Verdict.BuryWhole(core, root)];            // too much by itself: one letter, which begins anew
                more = 0;
            }
            bytes += more;
            letters.AddRange(burials);
        }
        else if (deferral is not null)
        {
            if (letters.Count + deferred.Count + 1 > MaxParts) return false;
            deferred.Add(deferral);
        }
        roots.Add(root);
        counts.Roots++;
        if (deferral is not null)
        {
            root.DropStaged();
            return true;
        }
        settled.Add(root.EntrySequence);
        if (burials is not null)
        {
            counts.Letters += burials.Count;
            counts.Split += burials.Count - 1;
        }
        else if (root.Failures is not null) counts.Cancelled++;
        else if (root.Outcome == Outcome.Completed) counts.Completed++;
        else if (root.Outcome == Outcome.Skipped) counts.Skipped++;
        else counts.Cancelled++;
        return true;
    }

    public StoreCommit Build(CommitParts parts) => new(partition.Owner, partition.NextCommit)
    {
        Settled = Ranges(),
        Deferred = deferred,
        Dead = letters,
        State = NewBooks == partition.Books ? [] : [NewBooks.ToRow()],
        Outputs = parts.Outputs,
        FileLengths = parts.FileLengths,
        Attachments = parts.Attachments,
    };

    public PartitionBooks NewBooks => new(
        partition.Books.Completed + counts.Completed, partition.Books.Skipped + counts.Skipped, partition.Books.Split + counts.Split);

    private bool ShouldReplay(Root root)
    {
        if (core.Options.Delivery is not { Level: DeliveryLevel.Replay } replay || root.Attempt > replay.Count) return false;
        for (PartFailure? failure = root.Failures; failure is not null; failure = failure.Next)
            if (failure.IsFinal) return false;
        return true;
    }

    private Deferral Defer(Root root, PartFailure failure) => new(
        root.EntrySequence, root.Attempt, core.Options.Delivery.Backoff.WaitBefore(root.Attempt, core.Random),
        failure.Cause.Node, FailureText.Of(failure.Cause.InnerException!));

    private List<SequenceRange> Ranges()
    {
        settled.Sort();
        var ranges = new List<SequenceRange>();
        for (int i = 0; i < settled.Count; i++)
        {
            int first = i;
            while (i + 1 < settled.Count && settled[i + 1] == settled[i] + 1) i++;
            ranges.Add(new(settled[first], settled[i]));
        }
        return ranges;
    }
}
