namespace Sluice;

/// <summary>Takes partitions, beats, and notices who is silent.</summary>
/// <remarks>Silence is judged by this process's own monotonic clock: a count that has not changed for the lease time.</remarks>
internal sealed class Members(ConsecutorCore core)
{
    private readonly Dictionary<string, (long Beats, long SeenAt)> others = new(StringComparer.Ordinal);
    private readonly AsyncLock taking = new();
    private ITimer? heart;
    private int isBeating;

    private string Self => core.Options.Member;

    public bool IsSilent(string member)
    {
        lock (others)
        {
            return !others.TryGetValue(member, out var known) || core.Time.GetElapsedTime(known.SeenAt) >= core.Options.LeaseTime;
        }
    }

    /// <summary>Opens the stream and the group, joins, and takes what nobody else has. The books begin with what the store says.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        GroupInfo group = await core.Store.BeatAsync(core.Group, Self, cancellation).ConfigureAwait(false);
        See(group);
        using (await core.Accepting.CloseAsync(cancellation).ConfigureAwait(false))          // so that nothing is counted twice, or not at all
        {
            List<OwnedPartition> taken = await TakeAsync(group, cancellation).ConfigureAwait(false);
            await LoadBooksAsync(taken, cancellation).ConfigureAwait(false);
            core.Own(taken);
        }
        heart = core.Time.CreateTimer(static members => _ = ((Members)members!).BeatAsync(), this, core.Options.LeaseTime / 3, core.Options.LeaseTime / 3);
    }

    /// <summary>A lease has failed, and nobody knows what of it was done: gives everything back, and takes it anew.</summary>
    public async Task ReloadAsync(bool wentBack)
    {
        try
        {
            if (wentBack) await core.Store.RaiseGenerationAsync(core.Store.Generation, core.Life).ConfigureAwait(false);
            foreach (OwnedPartition partition in core.Owned)
            {
                core.Lose(partition);
                if (!wentBack) await core.Store.ReleaseAsync(partition.Owner, core.Life).ConfigureAwait(false);
            }
            await TakeFreeAsync(await core.Store.BeatAsync(core.Group, Self, core.Life).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (Exception e) when (!core.Life.IsCancellationRequested)
        {
            core.Problem = $"The store does not answer: {FailureText.Of(e)}";          // the next beat tries again
        }
    }

    /// <summary>Gives everything back, uncharged.</summary>
    public async Task LeaveAsync()
    {
        heart?.Dispose();
        foreach (OwnedPartition partition in core.Owned) await core.Store.ReleaseAsync(partition.Owner).ConfigureAwait(false);
        await core.Store.LeaveAsync(core.Group, Self).ConfigureAwait(false);
    }

    /// <summary>No more beats.</summary>
    public void Drop() => heart?.Dispose();

    private async Task BeatAsync()
    {
        if (Interlocked.Exchange(ref isBeating, 1) != 0) return;
        try
        {
            GroupInfo group = await core.Store.BeatAsync(core.Group, Self, core.Life).ConfigureAwait(false);
            See(group);
            if (core.IsLeasing) await TakeFreeAsync(group).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (!core.Life.IsCancellationRequested) core.Problem = $"The store does not take heartbeats: {FailureText.Of(e)}";
        }
        finally
        {
            Volatile.Write(ref isBeating, 0);
        }
    }

    private void See(GroupInfo group)
    {
        long now = core.Time.GetTimestamp();
        lock (others)
        {
            foreach (MemberInfo member in group.Members)
                if (!others.TryGetValue(member.Name, out var known) || known.Beats != member.Beats) others[member.Name] = (member.Beats, now);
        }
    }

    private async Task TakeFreeAsync(GroupInfo group)
    {
        await taking.EnterAsync(core.Life).ConfigureAwait(false);
        try
        {
            List<OwnedPartition> taken = await TakeAsync(group, core.Life).ConfigureAwait(false);
            if (taken.Count == 0) return;
            foreach (OwnedPartition partition in taken) core.Books.Take(partition);
            await core.Committer.BeginSinksAsync(taken, core.Life).ConfigureAwait(false);
            core.Own(taken);
        }
        finally
        {
            taking.Leave();
        }
    }

    private async Task<List<OwnedPartition>> TakeAsync(GroupInfo group, CancellationToken cancellation)
    {
        OwnedPartition[] owned = core.Owned;
        var taking = group.Partitions
            .Where(partition => Array.TrueForAll(owned, own => own.Number != partition.Partition)
                && (partition.Owner is null || partition.Owner == Self || IsSilent(partition.Owner)))
            .Select(partition => TakeAsync(partition, cancellation)).ToList();
        return [.. (await Task.WhenAll(taking).ConfigureAwait(false)).OfType<OwnedPartition>()];
    }

    private async Task<OwnedPartition?> TakeAsync(PartitionInfo info, CancellationToken cancellation)
    {
        var request = new TakeRequest(Self) { ExpectedEpoch = info.Epoch, Version = core.Options.CodeVersion };
        TakeResult taken = await core.Store.TakeAsync(core.Group, info.Partition, request, cancellation).ConfigureAwait(false);
        if (taken.Status == TakeStatus.Newer)
            core.Problem = $"Partition {info.Partition} was written by version {taken.Version} of the code; this is version {core.Options.CodeVersion}. It is left alone.";
        if (taken.Status != TakeStatus.Taken) return null;
        PartitionBooks books = taken.State!.LastCommit == 0 ? default : await ReadBooksAsync(info.Partition, cancellation).ConfigureAwait(false);
        var partition = new OwnedPartition(taken.Ownership, taken.State, books);
        await UnparkAsync(partition, taken.State.Waiting, cancellation).ConfigureAwait(false);
        return partition;
    }

    /// <summary>What was parked for a node that this code has again is free.</summary>
    private async Task UnparkAsync(OwnedPartition partition, IReadOnlyList<WaitingEntry> waiting, CancellationToken cancellation)
    {
        foreach (WaitingEntry[] some in waiting.Where(entry => entry.State == WaitingState.Parked && core.Nodes.Find(entry.Node) is not null).Chunk(StoreCommit.MaxItems))
        {
            var commit = new StoreCommit(partition.Owner, partition.NextCommit)
            {
                Deferred = [.. some.Select(entry => new Deferral(entry.Entry.Sequence, entry.Attempts, TimeSpan.Zero, entry.Node))],
            };
            CommitResult result = await core.Store.CommitAsync(commit, cancellation).ConfigureAwait(false);
            if (result.Status != CommitStatus.Committed) return;
            partition.NextCommit++;
            foreach (WaitingEntry entry in some) partition.Waiting[entry.Entry.Sequence] = WaitingState.Retrying;
        }
    }

    private async Task LoadBooksAsync(List<OwnedPartition> taken, CancellationToken cancellation)
    {
        GroupInfo group = (await core.Store.FindGroupAsync(core.Group, cancellation).ConfigureAwait(false))!;
        StreamInfo stream = (await core.Store.FindStreamAsync(core.Name, cancellation).ConfigureAwait(false))!;
        PartitionBooks ended = default;
        long accepted = 0;
        foreach (PartitionInfo info in group.Partitions)
        {
            accepted += info.Tail;
            PartitionBooks books = taken.Find(partition => partition.Number == info.Partition) is { } own ? own.Books
                : info.Epoch == 0 ? default : await ReadBooksAsync(info.Partition, cancellation).ConfigureAwait(false);
            ended = new(ended.Completed + books.Completed, ended.Skipped + books.Skipped, ended.Split + books.Split);
        }
        GroupBacklog backlog = stream.Groups.First(backlog => backlog.Name == core.Group.Name);
        (long retrying, long parked, long suspect) = (Count(WaitingState.Retrying), Count(WaitingState.Parked), Count(WaitingState.Suspect));

        // Not counted by the mark of what was dispatched: after a release it stands below entries that have ended or wait. What is with others is pending here.
        core.Books.Load(accepted, backlog.Outstanding - retrying - parked - suspect, ended, backlog.Dead, retrying, parked, suspect);

        long Count(WaitingState state) => taken.Sum(partition => (long)partition.Waiting.Values.Count(waiting => waiting == state));
    }

    private async Task<PartitionBooks> ReadBooksAsync(int partition, CancellationToken cancellation)
    {
        IReadOnlyList<StateRow> rows = await core.Store.ReadStateAsync(core.Group, partition, PartitionBooks.Node, [""], cancellation).ConfigureAwait(false);
        return rows is [{ Value: { } row }] ? PartitionBooks.Read(row.Span) : default;
    }
}
