using Sluice.Membership;

namespace Sluice.Delivery;

/// <summary>Acquires partitions, and loads what their new owner starts from: waiting entries, counts, state, spills.</summary>
/// <remarks>Thread-safe; the ledger is counted by one caller at a time.</remarks>
internal sealed class PartitionAcquirer(ConsecutorCore core)
{
    private const int MaxUnanswered = 10;

    private readonly KnownEpochs epochs = new(core.Store);
    // of other members' partitions; one caller at a time
    private readonly Dictionary<int, (PartitionInfo At, PartitionCounts Counts)> counted = [];

    private readonly StateMoves moves = new(core.Identity, core.Store, core.State);
    private readonly FormerSinks formerSinks = new(core);

    private string Self => core.Options.InstanceId;

    /// <summary>Notes the epochs of the partitions.</summary>
    public void See(GroupInfo group) => epochs.See(group);

    /// <summary>Acquires partitions, unless another member is faster.</summary>
    public async Task<List<OwnedPartition>> TakeAsync(IEnumerable<PartitionInfo> partitions, CancellationToken cancellation)
    {
        List<Task<OwnedPartition?>> taking = [.. partitions.Select(partition => TryTakeAsync(partition, cancellation))];
        return [.. (await Task.WhenAll(taking).ConfigureAwait(false)).OfType<OwnedPartition>()];
    }

    /// <summary>Acquires a partition, or stops it if it is damaged: the others are acquired all the same.</summary>
    private async Task<OwnedPartition?> TryTakeAsync(PartitionInfo info, CancellationToken cancellation)
    {
        try
        {
            OwnedPartition? taken = await TakeAsync(info, cancellation).ConfigureAwait(false);
            if (taken is not null) core.Stopped.Taken(info.Partition);
            return taken;
        }
        catch (StreamStoreException damage) when (IsIn(info.Partition, damage))
        {
            core.Stopped.Stop(info.Partition, info.Epoch, damage.Message);
            return null;
        }
    }

    private bool IsIn(int partition, StreamStoreException damage)
        => damage.IsPermanent && damage is not StoreRolledBackException && damage.Partition == partition && damage.Stream == core.Name;

    private async Task<OwnedPartition?> TakeAsync(PartitionInfo info, CancellationToken cancellation)
    {
        var request = new AcquireRequest(Self)
        {
            ExpectedEpoch = info.Epoch,
            KnownEpoch = epochs.Of(info.Partition),
            Instance = core.Members.Instance.Id,
            Version = core.Options.CodeVersion
        };
        AcquireResult taken = await InsistAsync(info.Partition, request, cancellation).ConfigureAwait(false);
        if (taken.Status == AcquireStatus.Newer)
            core.Problems.Newer =
                $"Partition {info.Partition} was written by version {taken.Version} of the code; this is "
                + $"version {core.Options.CodeVersion}. It is left alone.";
        if (taken.Status != AcquireStatus.Taken) return null;
        epochs.Take(taken.Ownership, request.KnownEpoch);
        PartitionState state = await ReadRestAsync(taken, cancellation).ConfigureAwait(false);
        PartitionCounts counts = state.LastCommit == 0 ? default
            : await ReadBooksOrFailAsync(info.Partition, cancellation).ConfigureAwait(false);
        List<StoredNode> nodes = [];
        try
        {
            if (state.LastCommit > 0) nodes = await core.StateCheck.CheckAsync(info.Partition, cancellation).ConfigureAwait(false);
        }
        catch (InvalidOperationException e) when (e is not ObjectDisposedException)
        {
            // Other code has written it since the start.
            await core.Store.ReleaseAsync(taken.Ownership, cancellation).ConfigureAwait(false);
            if (!core.Members.HasStarted) throw;
            core.Lifetime.Failed?.Invoke(e);
            return null;
        }
        (List<Spill> spills, List<string> leftovers) = counts.HasSpills
            ? await Spill.LoadAsync(core.Store, core.Group, info.Partition, cancellation).ConfigureAwait(false) : ([], []);
        var partition = new OwnedPartition(taken.Ownership, state, counts)
        {
            Count = core.Stream.Partitions,
            StateNodes = nodes,
            Spills = spills,
            SpillLeftovers = leftovers,
            HasFiles = state.FileLengths.Keys.Any(core.Sinks.Know)
        };
        if (core.Rounds is not null)
        {
            DateTimeOffset now = await core.Store.GetTimeAsync(cancellation).ConfigureAwait(false);
            (partition.Scope, partition.Order) = (new(core, partition, now),
                new(core.Versions, core.Stream, core.Time, state.Waiting, now));
        }
        partition.Scope?.Load(nodes.Where(node => core.State.Knows(node.Node)));
        partition.ToUnpark = [.. state.Waiting.Where(IsMeantForThis)
            .Select(static entry => new RetryWrite(entry.Entry.Sequence, entry.Attempts, TimeSpan.Zero, entry.Node))];
        return partition;
    }

    private async Task<PartitionState> ReadRestAsync(AcquireResult taken, CancellationToken cancellation)
    {
        PartitionState state = taken.State!;
        if (state.Waiting.Count < PartitionState.MaxWaiting) return state;
        List<WaitingEntry> all = [.. state.Waiting];
        for (int read = PartitionState.MaxWaiting; read == PartitionState.MaxWaiting;)
        {
            IReadOnlyList<WaitingEntry> page = await core.Store.ListWaitingHeadsAsync(core.Group, taken.Ownership.Partition,
                all[^1].Entry.Sequence, cancellation: cancellation).ConfigureAwait(false);
            all.AddRange(page);
            read = page.Count;
        }
        return state with { Waiting = all };
    }

    /// <summary>
    /// Repeats an acquisition whose answer was lost. It may have succeeded, so the present owner is looked up first, and a partition that
    /// this member already owns is acquired anew. If the store does not answer that either, it is away.
    /// </summary>
    private async Task<AcquireResult> InsistAsync(int partition, AcquireRequest request, CancellationToken cancellation)
    {
        for (int unanswered = 1; ; unanswered++)
        {
            try
            {
                return await core.Store.AcquireAsync(core.Group, partition, request, cancellation).ConfigureAwait(false);
            }
            catch (StreamStoreException e) when (unanswered < MaxUnanswered && e is not StoreRolledBackException && !e.IsPermanent)
            {
                GroupInfo? group = await core.Store.FindGroupAsync(core.Group, cancellation).ConfigureAwait(false);
                if (group is null) throw;
                PartitionInfo now = group.Partitions.First(one => one.Partition == partition);
                if (now.Owner == Self && !core.Members.IsReplacedIn(group)) request = request with { ExpectedEpoch = now.Epoch };
            }
        }
    }

    /// <summary>
    /// Frees entries that were parked for a node or a version that this code has. Called when the partitions are counted and the sinks
    /// have begun: then no commit of an earlier epoch is in flight, here or prepared by a sink elsewhere, whose outcome this commit could
    /// hide.
    /// </summary>
    public async Task UnparkAsync(IReadOnlyList<OwnedPartition> taken, CancellationToken cancellation)
    {
        try
        {
            IReadOnlySet<OwnedPartition> lost = await formerSinks.ForgetAsync(taken, cancellation).ConfigureAwait(false);
            foreach (OwnedPartition partition in taken)
            {
                if (lost.Contains(partition)) core.Partitions.Lose(partition);
                else await UnparkAsync(partition, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            foreach (OwnedPartition partition in taken) core.Partitions.Lose(partition);
            // state that cannot be moved: no later attempt can
            if (e is InvalidOperationException and not ObjectDisposedException) core.Lifetime.Failed?.Invoke(e);
            throw;
        }
    }

    private async Task UnparkAsync(OwnedPartition partition, CancellationToken cancellation)
    {
        if (!await moves.MoveAsync(partition, cancellation).ConfigureAwait(false)
            || !await Spiller.CleanAsync(partition, async (_, commit) => await core.Store.CommitAsync(commit, cancellation)
            .ConfigureAwait(false)).ConfigureAwait(false))
        {
            core.Partitions.Lose(partition);
            return;
        }
        foreach (RetryWrite[] some in partition.ToUnpark.Chunk(StoreCommit.MaxItems / StoreCommit.WeightOfRange))
        {
            CommitResult result = await core.Store.CommitAsync(new(partition.Owner, partition.NextCommit) { Deferred = some }, cancellation)
                .ConfigureAwait(false);
            if (result.Status != CommitStatus.Committed) return;
            partition.NextCommit++;
            core.Ledger.Settle(partition, default, some, some.Select(static deferral => deferral.Sequence).ToHashSet());
        }
        partition.ToUnpark = [];
    }

    private bool IsMeantForThis(WaitingEntry entry)
    {
        if (entry.Status != WaitingStatus.Parked) return false;
        string? why = core.Versions.Why(entry);
        if (why is not null) core.Problems.Parked = why;
        return why is null;
    }

    /// <summary>Sets the ledger from the store. No item is in flight, and no item is accepted meanwhile.</summary>
    public async Task LoadBooksAsync(List<OwnedPartition> taken, CancellationToken cancellation)
    {
        GroupInfo group = (await core.Store.FindGroupAsync(core.Group, cancellation).ConfigureAwait(false))!;
        StreamInfo stream = (await core.Store.FindStreamAsync(core.Name, cancellation).ConfigureAwait(false))!;
        PartitionCounts ended = default;
        long accepted = 0;
        foreach (PartitionInfo info in group.Partitions)
        {
            accepted += info.Tail;
            PartitionCounts counts = taken.Find(partition => partition.Number == info.Partition) is { } own ? own.Counts
                : info.Epoch == 0 ? default : await ReadCountsAsync(info, cancellation).ConfigureAwait(false);
            ended = new(ended.Completed + counts.Completed, ended.Skipped + counts.Skipped, ended.Split + counts.Split);
        }
        GroupBacklog backlog = stream.Groups.First(backlog => backlog.Name == core.Group.Name);
        (long retrying, long parked, long suspect) = (Count(WaitingStatus.Retrying), Count(WaitingStatus.Parked),
            Count(WaitingStatus.Suspect));

        // The mark of dispatched entries does not count: after a release it is below entries that have ended or wait.
        // Entries of other members are pending here.
        core.Ledger.Load(accepted, backlog.Outstanding - retrying - parked - suspect, ended, backlog.Dead, retrying, parked, suspect);

        long Count(WaitingStatus state) => taken.Sum(partition => (long)partition.Waiting.Values.Count(waiting => waiting == state));
    }

    /// <summary>Counts the items that other members have accepted and ended. One call at a time.</summary>
    /// <param name="maxReads">The number of partitions to read at most. If more have changed, later calls read the others.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>False if an item is in flight here, a partition changes meanwhile, or a partition without an owner may still put out
    /// items.</returns>
    public async Task<bool> RefreshCountsAsync(int maxReads, CancellationToken cancellation)
    {
        if (core.InFlight.Count > 0) return false;
        int known = core.Doubts.Count;
        using IDisposable closed = await core.Accepting.CloseAsync(cancellation).ConfigureAwait(false); // so that each item is counted once
        long moves = core.Ledger.Moves;
        OwnedPartition[] owned = core.Partitions.Owned;
        GroupInfo? group = await core.Store.FindGroupAsync(core.Group, cancellation).ConfigureAwait(false);
        if (group is null) return false;
        PartitionInfo[] elsewhere = [.. group.Partitions.Where(info => !Array.Exists(owned, own => own.Number == info.Partition))];
        // its stages may still hold items
        if (core is { Stream.IsInputComplete: true, KeepsState: true }
            && Array.Exists(elsewhere, info => info.Owner is null || info.Owner == Self)) return false;
        PartitionInfo[] changed = [.. elsewhere.Where(info => !counted.TryGetValue(info.Partition, out var known) || known.At != info)];
        await Task.WhenAll(changed.Take(maxReads).Select(CountAsync).ToArray()).ConfigureAwait(false);
        if (changed.Length > maxReads) return false;
        StreamInfo? stream = await core.Store.FindStreamAsync(core.Name, cancellation).ConfigureAwait(false);
        GroupInfo? after = await core.Store.FindGroupAsync(core.Group, cancellation).ConfigureAwait(false);
        if (stream is null || after is null || !group.Partitions.SequenceEqual(after.Partitions)) return false;
        PartitionCounts ended = default;
        foreach (PartitionCounts counts in owned.Select(static partition => partition.Counts)
            .Concat(elsewhere.Select(info => counted[info.Partition].Counts)))
            ended = new(ended.Completed + counts.Completed, ended.Skipped + counts.Skipped, ended.Split + counts.Split);
        GroupBacklog backlog = stream.Groups.First(backlog => backlog.Name == core.Group.Name);
        if (!core.Ledger.TryLoad(moves, owned, group.Partitions.Sum(static info => info.Tail), backlog.Outstanding, ended, backlog.Dead))
            return false;
        core.Doubts.Settle(known);
        return true;

        async Task CountAsync(PartitionInfo info)
        {
            PartitionCounts counts = info.Epoch == 0 ? default : await ReadCountsAsync(info, cancellation).ConfigureAwait(false);
            lock (counted) counted[info.Partition] = (info, counts);
        }
    }

    private async Task<PartitionCounts> ReadBooksOrFailAsync(int partition, CancellationToken cancellation)
    {
        IReadOnlyList<StateRow> rows = await core.Store.ReadStateAsync(core.Group, partition, PartitionCounts.Node, [""], cancellation)
            .ConfigureAwait(false);
        return rows is [{ Value: not null } row] ? PartitionCounts.Read(row, core.Group, partition) : default;
    }

    private async Task<PartitionCounts> ReadCountsAsync(PartitionInfo partition, CancellationToken cancellation)
    {
        try
        {
            return await ReadBooksOrFailAsync(partition.Partition, cancellation).ConfigureAwait(false);
        }
        catch (StreamStoreException damage) when (IsIn(partition.Partition, damage))
        {
            // What has ended there is not known. Another owner tells whether the partition stands still.
            if (partition.Owner is null || partition.Owner == Self)
                core.Stopped.Stop(partition.Partition, partition.Epoch, damage.Message);
            return default;
        }
    }
}
