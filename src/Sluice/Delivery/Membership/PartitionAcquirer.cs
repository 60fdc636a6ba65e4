using System.Collections.Concurrent;
using Sluice.Membership;

namespace Sluice.Delivery;

/// <summary>Acquires partitions, and loads what their new owner starts from: waiting entries, counts, state, spills.</summary>
/// <remarks>Thread-safe; the ledger is counted by one caller at a time.</remarks>
internal sealed partial class PartitionAcquirer(ConsecutorCore core)
{
    private const int MaxUnanswered = 10;

    private readonly KnownEpochs epochs = new(core.Store);
    private readonly ConcurrentDictionary<int, long> acquired = [];      // the last epoch of each partition that was acquired here
    private readonly StateMoves moves = new(core.Identity, core.Store, core.State, core.Losses);
    private readonly FormerSinks formerSinks = new(core);

    private string Self => core.Options.InstanceId;

    /// <summary>Notes the epochs of the partitions.</summary>
    public void See(GroupInfo group) => epochs.See(group);

    /// <summary>Acquires partitions, unless another member is faster.</summary>
    public async Task<List<OwnedPartition>> TakeAsync(IEnumerable<PartitionInfo> partitions, CancellationToken cancellation)
    {
        bool isLossKnown = core.Recovery.IsRecovering;           // then all of them may show it
        List<Task<OwnedPartition?>> taking = [.. partitions.Select(partition => TryTakeAsync(partition, isLossKnown, cancellation))];
        return [.. (await Task.WhenAll(taking).ConfigureAwait(false)).OfType<OwnedPartition>()];
    }

    /// <summary>Acquires a partition, or stops it if it is damaged: the others are acquired all the same.</summary>
    private async Task<OwnedPartition?> TryTakeAsync(PartitionInfo info, bool isLossKnown, CancellationToken cancellation)
    {
        try
        {
            OwnedPartition? taken = await TakeAsync(info, isLossKnown, cancellation).ConfigureAwait(false);
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

    private async Task<OwnedPartition?> TakeAsync(PartitionInfo info, bool isLossKnown, CancellationToken cancellation)
    {
        var request = new AcquireRequest(Self)
        {
            ExpectedEpoch = info.Epoch,
            KnownEpoch = epochs.Of(info.Partition),
            Instance = core.Members.Instance.Id,
            Version = core.Options.CodeVersion
        };
        // Otherwise what is in flight would become suspects, although this process lives. Behind a refused commit they are to: the item
        // that is refused is found alone.
        if (info.Owner == Self && acquired.TryGetValue(info.Partition, out long own) && own == info.Epoch
            && !core.Stopped.IsRefused(info.Partition))
            await core.Store.ReleaseAsync(new(core.Group, info.Partition, own), cancellation).ConfigureAwait(false);
        AcknowledgedProgress.Progress known = core.Partitions.Acknowledged.Of(info.Partition);
        (AcquireResult taken, long before) = await InsistAsync(info.Partition, request, cancellation).ConfigureAwait(false);
        if (taken.Status == AcquireStatus.Newer)
        {
            core.Problems.Newer =
                $"Partition {info.Partition} was written by version {taken.Version} of the code; this is "
                + $"version {core.Options.CodeVersion}. It is left alone.";
            // An earlier start of this member had newer code. Other members would leave the partition to this one as long as it lives.
            if (info.Owner == Self)
                await core.Store.ReleaseAsync(new(core.Group, info.Partition, info.Epoch), cancellation).ConfigureAwait(false);
        }
        if (taken.Status != AcquireStatus.Taken) return null;
        epochs.Take(taken.Ownership, request.KnownEpoch);
        acquired[info.Partition] = taken.Ownership.Epoch;
        if (!isLossKnown && known.FindLoss(taken.Ownership, before, taken.State!.LastCommit) is { } how)
        {
            core.Losses.WentBack(how);
            return null;
        }
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
    /// <returns>The answer, and the epoch of the partition before it was acquired.</returns>
    private async Task<(AcquireResult Taken, long Before)> InsistAsync(int partition, AcquireRequest request,
        CancellationToken cancellation)
    {
        for (int unanswered = 1; ; unanswered++)
        {
            try
            {
                return (await core.Store.AcquireAsync(core.Group, partition, request, cancellation).ConfigureAwait(false),
                    request.ExpectedEpoch!.Value);
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
            || !await Spiller.CleanAsync(partition, async (_, commit) => core.Losses.Learn(commit.Owner,
                await core.Store.CommitAsync(commit, cancellation).ConfigureAwait(false))).ConfigureAwait(false))
        {
            core.Partitions.Lose(partition);
            return;
        }
        foreach (RetryWrite[] some in partition.ToUnpark.Chunk(StoreCommit.MaxItems / StoreCommit.WeightOfRange))
        {
            CommitResult result = core.Losses.Learn(partition.Owner, await core.Store.CommitAsync(
                new(partition.Owner, partition.NextCommit) { Deferred = some }, cancellation).ConfigureAwait(false));
            if (result.Status != CommitStatus.Committed)
            {
                core.Partitions.Lose(partition);
                return;
            }
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
}
