namespace Sluice;

/// <summary>
/// A stream store in memory. Acknowledged writes survive the restart of workers, as long as the object lives. Use it for tests and for
/// tracking inside a process; it is also the model for other stores.
/// </summary>
/// <remarks>
/// Thread-safe: every call is one step under one lock, completes synchronously and never waits, except <see cref="WaitForChangeAsync"/> and
/// <see cref="WaitForEntriesAsync"/>. The bounds of its streams bound its memory; settled entries are freed in whole appends.
/// </remarks>
public sealed partial class MemoryStreamStore : StreamStore
{
    // The lock for everything below. Waiting callers are woken under it, but continue elsewhere.
    private readonly Lock gate = new();
    private readonly SortedDictionary<string, StoredStream> streams = new(StringComparer.Ordinal);
    private readonly Dictionary<string, BatchCounts> batches = new(StringComparer.Ordinal);
    private readonly StreamChanges changes = new();
    private readonly StoreClock clock;
    private int generation = 1;
    private long streamsMade, groupsMade;
    private bool disposed;

    /// <summary>Creates an empty store.</summary>
    /// <param name="time">The time provider; by default the system's.</param>
    public MemoryStreamStore(TimeProvider? time = null) => clock = new(time ?? TimeProvider.System);

    /// <summary>What keeps the objects that payloads stand for; null if payloads are the items themselves.</summary>
    internal IPayloadHandles? Handles { get; init; }

    /// <inheritdoc/>
    public override Durability Durability => Durability.Memory;

    /// <summary>Returns the store as settings name it: <c>memory</c>.</summary>
    public override string ToString() => "memory";

    /// <inheritdoc/>
    public override StreamStoreCapabilities Capabilities => StreamStoreCapabilities.PartitionChanges;

    /// <inheritdoc/>
    public override int Generation
    {
        get
        {
            lock (gate) return generation;
        }
    }

    /// <inheritdoc/>
    public override ValueTask<int> RaiseGenerationAsync(int expected, CancellationToken cancellation = default)
        => Locked(() => generation == expected ? ++generation : generation, cancellation);

    /// <inheritdoc/>
    public override ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(stream);
        options ??= new();
        options.Check();
        return Locked(() =>
        {
            if (!streams.TryGetValue(stream, out StoredStream? stored))
                streams.Add(stream, stored = new(stream, streamsMade++, options, changes));
            StoreRules.CheckPartitions(stream, stored.Options.Partitions, options.Partitions);
            return Info(stored);
        }, cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
        => Locked(() => streams.TryGetValue(stream, out StoredStream? stored) ? Info(stored) : null, cancellation);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<string>> ListStreamsAsync(string prefix = "", CancellationToken cancellation = default)
        => Locked<IReadOnlyList<string>>(() => [.. streams.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))],
        cancellation);

    /// <inheritdoc/>
    public override ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(end);
        return Locked(() => End(Stream(stream), end), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<bool> DeleteStreamAsync(string stream, CancellationToken cancellation = default) => Locked(() =>
    {
        if (!streams.Remove(stream, out StoredStream? stored)) return false;
        foreach (StoredPartition partition in stored.Groups.Values.SelectMany(group => group.Partitions)) Unreserve(partition);
        changes.Forget(stream);
        return true;
    }, cancellation);

    /// <inheritdoc/>
    public override ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
        => changes.WaitForChangeAsync(stream, after, () => throw NoStream(stream), cancellation);

    /// <inheritdoc/>
    public override ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
        CancellationToken cancellation = default)
        => changes.WaitForEntriesAsync(stream, partitions, after, () => throw NoStream(stream), cancellation);

    /// <inheritdoc/>
    public override ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default)
        => Locked(() => clock.Now, cancellation);

    /// <inheritdoc/>
    public override ValueTask<IntegrityReport> CheckAsync(CancellationToken cancellation = default) => Locked(() =>
    {
        long entries = 0;
        List<string> problems = [];
        foreach (StoredStream stream in streams.Values)
            for (int partition = 0; partition < stream.Logs.Length; partition++)
                foreach (LogChunk chunk in stream.Logs[partition].Chunks)
                    for (int i = 0; i < chunk.Header.Count; i++, entries++)
                        try
                        {
                            EntryChunk.ReadRecord(
                                chunk.Records.AsMemory(chunk.StartOf(i)), chunk.Header, chunk.Header.First + i, stream.Name, partition,
                                    out _);
                        }
                        catch (StreamStoreException damage)
                        {
                            problems.Add(damage.Message);
                        }
        return new IntegrityReport(entries, problems);
    }, cancellation);

    // For tests: flips a bit of an entry. An entry with a row is an object and cannot be damaged.
    internal bool Damage(string stream, int partition, long sequence)
    {
        lock (gate)
        {
            StoredStream damaged = Stream(stream);
            if (damaged.Groups.Values.Any(group => group.Partitions[partition].Rows.ContainsKey(sequence)
                || group.Dead.Values.Any(letter => letter.Root == sequence && letter.Partition == partition))) return false;
            damaged.Logs[partition].RecordOf(sequence).Span[^1] ^= 1;
            return true;
        }
    }

    /// <summary>Frees all memory. Waiting callers and later calls get an <see cref="ObjectDisposedException"/>.</summary>
    public override ValueTask DisposeAsync()
    {
        lock (gate)
        {
            disposed = true;
            changes.Close(nameof(MemoryStreamStore));
            streams.Clear();
            batches.Clear();
        }
        return ValueTask.CompletedTask;
    }

    private static StreamEnd End(StoredStream stream, StreamEnd end)
    {
        if (stream.End is not null) return stream.End;
        stream.End = end;
        stream.Changed();
        return end;
    }

    private StreamInfo Info(StoredStream stream)
    {
        stream.Sweep(clock.Now);
        // Waiting entries of the trimmed part are in the store only as rows.
        IEnumerable<StoredRow> rows = stream.Groups.Values.SelectMany(group => group.Partitions)
            .SelectMany(partition => partition.Rows.Values.Where(row => row.Entry.Sequence <= partition.Log.Trimmed));
        return new(stream.Name, stream.Options, stream.End,
            stream.Logs.Sum(log => log.Tail - log.Trimmed) + rows.Count(), stream.Logs.Sum(log => log.Bytes) + rows.Sum(row => row.Length),
                stream.Logs.Sum(log => log.Tail),
            [.. stream.Groups.Select(group => new GroupBacklog(group.Key, group.Value.Backlog.Items,
                group.Value.Partitions.Sum(partition => partition.Info().Waiting), group.Value.Dead.Count)
            { PausedAt = group.Value.PausedAt, IsDraining = group.Value.IsDraining })],
            [.. stream.Readers.Values.Select(reader => reader.Info())]);
    }

    private StoredStream Stream(string name)
    {
        if (disposed) throw DisposedStore.Error(nameof(MemoryStreamStore));
        return streams.TryGetValue(name, out StoredStream? stream)
            ? stream
            : throw NoStream(name);
    }

    private static StreamStoreException NoStream(string name)
        => new($"There is no stream {name} in this store: open it first (OpenStreamAsync).") { Stream = name };

    private StoredGroup Group(GroupId id) => Stream(id.Stream).Groups.TryGetValue(id.Name, out StoredGroup? group)
        ? group
        : throw new StreamStoreException($"There is no group {id.Name} on the stream {id.Stream}: add it first (AddGroupAsync).")
        {
            Stream =
        id.Stream
        };

    private StoredPartition Partition(GroupId id, int partition) => Group(id).Partitions[Checked(partition, Stream(id.Stream))];

    private static int Checked(int partition, StoredStream stream) => (uint)partition < (uint)stream.Logs.Length
        ? partition
        : throw new ArgumentOutOfRangeException(nameof(partition), partition,
        $"The stream {stream.Name} has the partitions 0 to {stream.Logs.Length - 1}.");

    private ValueTask<T> Locked<T>(Func<T> action, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return ValueTask.FromCanceled<T>(cancellation);
        try
        {
            lock (gate)
            {
                if (disposed) throw DisposedStore.Error(nameof(MemoryStreamStore));
                return ValueTask.FromResult(action());
            }
        }
        catch (Exception failure)
        {
            return ValueTask.FromException<T>(failure);
        }
    }

    private ValueTask Locked(Action action, CancellationToken cancellation)
    {
        ValueTask<bool> done = Locked(() =>
        {
            action();
            return true;
        }, cancellation);
        return done.IsCompletedSuccessfully ? ValueTask.CompletedTask : new ValueTask(done.AsTask());
    }
}
