namespace Sluice.PostgreSql;

public sealed partial class PostgresStreamStore
{
    /// <inheritdoc/>
    public override ValueTask<ProducerState> OpenProducerAsync(string stream, string producer, CancellationToken cancellation = default)
    {
        StreamNames.Check(producer);
        return CallAsync(StoreCall.Appends, false, needs =>
        {
            needs.KeepsRows = true;
            needs.Streams.Add(stream);
            needs.Producers.Add((stream, producer));
        }, round => AppendCalls.OpenProducerAsync(round, stream, producer), cancellation);
    }

    /// <inheritdoc/>
    public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Check();
        try
        {
            AppendResult result = await AppendOnceAsync(request, cancellation).ConfigureAwait(false);
            refusals.Accept();
            return result;
        }
        catch (StreamStoreException e) when (e is not StoreRolledBackException && e.InnerException is PostgresException refused
            && Failures.IsRefusal(refused))
        {
            refusals.Refuse(Failures.Words(refused));
            throw;
        }
    }

    private ValueTask<AppendResult> AppendOnceAsync(AppendRequest request, CancellationToken cancellation)
        => CallAsync(StoreCall.Appends, true, needs =>
        {
            needs.KeepsRows = true;
            needs.Append(request.Stream, request.Entries, partitions.GetValueOrDefault(request.Stream));
            needs.Producers.Add((request.Stream, request.Producer));
            needs.Count(request.Batches);
        }, round => AppendCalls.AppendAsync(round, request), cancellation);

    /// <inheritdoc/>
    public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(commit);
        commit.Check();
        return CallAsync(StoreCall.Commits, true, needs =>
        {
            needs.KeepsRows = commit.Readers.Count == 0;
            needs.Partition(commit.Owner.Group, commit.Owner.Partition);
            needs.Functions = commit.Attachments.OfType<CommitFunctions>().Sum(static functions => functions.Count);
            needs.HasOtherStatements = commit.Attachments.Count > 0;
            needs.Bytes = commit.Bytes - commit.Outputs.Sum(output => output.Entries.Bytes);
            foreach (CommitOutput output in commit.Outputs)
                needs.Append(output.Stream, output.Entries, partitions.GetValueOrDefault(output.Stream));
            foreach (OpenReader reader in commit.Readers) needs.Streams.Add(reader.Stream);
            foreach (CursorCommit cursor in commit.Cursors)
            {
                needs.Streams.Add(cursor.Stream);
                needs.Parts.Add((cursor.Stream, cursor.Partition));
            }
            foreach (EndStream ending in commit.Ends) needs.Streams.Add(ending.Stream);
            needs.Count(commit.Batches);
        }, round => CommitCalls.CommitAsync(round, commit), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxItems, 1, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxBatches, 1, nameof(request));
        return CallAsync(StoreCall.Leases, false, needs =>
        {
            needs.KeepsRows = request.Quarantine is null;
            foreach (Ownership owner in request.Owned) needs.Partition(owner.Group, owner.Partition);
            needs.Streams.UnionWith(request.BackpressureStreams);
            if (request.Quarantine is { } quarantine) needs.Streams.Add(quarantine.Group.Stream);
        }, round => LeaseCalls.LeaseAsync(round, request), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(items, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 0);
        return CallAsync(2, false, needs =>
        {
            needs.Partition(owner.Group, owner.Partition);
            needs.Streams.Add(stream);
        }, round => LeaseCalls.ReserveAsync(round, owner, stream, items, bytes), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingAsync(GroupId group, int partition, long? after = null, int max = 100,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return OfPartitionAsync(group, partition, async (round, found) =>
        {
            OwnedRow owned = await round.OwnedAsync(found, partition).ConfigureAwait(false);
            PartRow part = await round.PartAsync(found.Stream, partition).ConfigureAwait(false);
            IReadOnlyList<WaitingEntry> rows = await WaitingCalls.ListAsync(round, owned, after, max, withPayload: true)
                .ConfigureAwait(false);
            long[] flying = [.. owned.FirstTimers((after ?? long.MinValue) is var from && from < long.MaxValue ? from + 1 : from)
                .SelectMany(WaitingCalls.Sequences).Take(max)];
            var entries = await Entries.ReadAsync(round, part, flying).ConfigureAwait(false);
            return (IReadOnlyList<WaitingEntry>)[.. rows.Concat(flying.Select(sequence => new WaitingEntry(
                entries.TryGetValue(sequence, out var entry) ? entry.Entry : new() { Sequence = sequence },
                WaitingStatus.InFlight, 0, null, "", ""))).OrderBy(static entry => entry.Entry.Sequence).Take(max)];
        }, cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingHeadsAsync(GroupId group, int partition, long after,
        int max = PartitionState.MaxWaiting, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return OfPartitionAsync(group, partition, async (round, found) => await WaitingCalls.ListAsync(round,
            await round.OwnedAsync(found, partition).ConfigureAwait(false), after, max, withPayload: false).ConfigureAwait(false),
            cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(GroupId group, string? node = null, long after = 0,
        int max = 100, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return OfPartitionAsync(group, 0, (round, found) => LetterCalls.ListAsync(round, found, node, after, max), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        if (numbers.Count > MaxRedriven)
            throw new ArgumentException($"At most {MaxRedriven} dead letters are redriven at once, not {numbers.Count}.", nameof(numbers));
        return CallAsync(2, false, needs => needs.Streams.Add(group.Stream),
            async round => await LetterCalls.RedriveAsync(round, round.Group(group), numbers).ConfigureAwait(false), cancellation);
    }

    private const int MaxRedriven = 1000;

    /// <inheritdoc/>
    public override ValueTask<int> DeleteDeadAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return CallAsync(2, false, needs => needs.Streams.Add(group.Stream),
            async round => await LetterCalls.DeleteAsync(round, round.Group(group), numbers).ConfigureAwait(false), cancellation);
    }

    /// <summary>Runs the statement that makes a sink's table, and checks the sink's statement.</summary>
    /// <returns>The types of the parameters of the sink's statement.</returns>
    /// <exception cref="StreamStoreException">The server refuses a statement: then the inner exception says why.</exception>
    internal Task<uint[]> PrepareSinkAsync(string? create, string insert, CancellationToken cancellation)
    {
        if (disposal.HasBegun) throw DisposedStore.Error(place.Name);
        return runner.DirectAsync(connection => AttachmentCalls.PrepareAsync(connection, create, insert, cancellation), cancellation);
    }
}
