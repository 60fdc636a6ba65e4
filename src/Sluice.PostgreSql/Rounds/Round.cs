namespace Sluice.PostgreSql;

/// <summary>
/// One transaction for the calls of some callers. It locks the streams of all calls in the order of their ids; only the owner of a
/// stream's lock changes anything of the stream. Calls change rows in memory, which are written together at the end.
/// </summary>
/// <remarks>
/// Not thread-safe: the calls run one after the other. A call checks everything before it changes a row. A round that fails is dropped
/// with all its rows.
/// </remarks>
internal sealed class Round(NpgsqlConnection connection, Sql sql, ChunkMarks marks, bool isReadOnly)
{
    private readonly Dictionary<string, StreamRow> streams = new(StringComparer.Ordinal);
    private readonly Dictionary<long, StreamRow> byId = [];
    private readonly Dictionary<long, GroupRow> groups = [];
    private long time;

    public NpgsqlConnection Connection => connection;
    public Sql Sql => sql;
    public ChunkMarks Marks => marks;
    public bool IsReadOnly => isReadOnly;
    public int Generation { get; private set; }
    public string StoreId { get; private set; } = "";
    public int Version { get; private set; }

    /// <summary>The store's time in ticks: the server's, but never before a time that one of the locked streams has seen.</summary>
    public long Now { get; private set; }

    public DateTimeOffset Time => new(Now, TimeSpan.Zero);
    public IEnumerable<StreamRow> Streams => streams.Values;
    public Dictionary<string, BatchCounts> Batches { get; } = new(StringComparer.Ordinal);
    public RoundChanges Changes { get; } = new();
    public RoundRows Rows { get; } = new();

    /// <summary>For tests: replaces the server's time.</summary>
    public Func<DateTimeOffset?>? ServerTime { get; init; }

    /// <summary>Counts changes of rows, so that a call that fails in the middle is noticed.</summary>
    public int Touched { get; set; }

    public void Add((StreamRow Stream, long Time) loaded)
    {
        streams.Add(loaded.Stream.Name, loaded.Stream);
        byId.Add(loaded.Stream.Id, loaded.Stream);
        time = Math.Max(time, loaded.Time);
    }

    public void Add(GroupRow group)
    {
        group.Stream.Groups.Add(group.Name, group);
        groups.Add(group.Id, group);
    }

    public void Remove(GroupRow group)
    {
        group.Stream.Groups.Remove(group.Name);
        groups.Remove(group.Id);
    }

    public void Remove(StreamRow stream)
    {
        streams.Remove(stream.Name);
        byId.Remove(stream.Id);
    }

    public void Begin(int generation, string store, int version, long microseconds)
    {
        (Generation, StoreId, Version) = (generation, store, version);
        Now = Math.Max(time, ServerTime?.Invoke()?.UtcTicks ?? DateTimeOffset.UnixEpoch.Ticks + (10 * microseconds));
    }

    public StreamRow StreamOf(long id) => byId[id];

    public GroupRow GroupOf(long id) => groups[id];

    public StreamRow? FindStream(string name) => streams.GetValueOrDefault(name);

    public StreamRow Stream(string name) => streams.GetValueOrDefault(name)
        ?? throw new StreamStoreException($"There is no stream {name} in this store: open it first (OpenStreamAsync).") { Stream = name };

    public GroupRow? FindGroup(GroupId id) => FindStream(id.Stream)?.Groups.GetValueOrDefault(id.Name);

    public GroupRow Group(GroupId id) => Stream(id.Stream).Groups.GetValueOrDefault(id.Name)
        ?? throw new StreamStoreException($"There is no group {id.Name} on the stream {id.Stream}: add it first (AddGroupAsync).")
        { Stream = id.Stream };

    public ValueTask<PartRow> PartAsync(StreamRow stream, int number, CancellationToken cancellation = default)
        => stream.Parts.TryGetValue(stream.Checked(number), out PartRow? part) ? new(part)
            : new(RoundLoader.PartAsync(this, stream, number, cancellation));

    public ValueTask<OwnedRow> OwnedAsync(GroupRow group, int number, CancellationToken cancellation = default)
        => group.Owned.TryGetValue(group.Stream.Checked(number), out OwnedRow? owned) ? new(owned)
            : new(RoundLoader.OwnedAsync(this, group, number, cancellation));

    /// <summary>Returns the partition for any owner; null if the group is gone.</summary>
    /// <exception cref="StoreRolledBackException">The store never gave this epoch.</exception>
    public async ValueTask<OwnedRow?> PartitionOfAsync(Ownership owner)
    {
        if (FindGroup(owner.Group) is not { } group) return null;
        OwnedRow owned = await OwnedAsync(group, owner.Partition).ConfigureAwait(false);
        return owner.Epoch <= owned.Epoch ? owned
            : throw new StoreRolledBackException(
            $"{owner} was taken, but the store knows the epoch {owned.Epoch} only: it has lost writes.")
            { Stream = owner.Group.Stream, Partition = owner.Partition };
    }

    /// <summary>Returns the partition of an ownership; null if it is void, or the group is gone.</summary>
    public async ValueTask<OwnedRow?> HeldAsync(Ownership owner)
        => await PartitionOfAsync(owner).ConfigureAwait(false) is { Owner: not null } owned && owned.Epoch == owner.Epoch ? owned : null;

    public async ValueTask<ProducerRow?> ProducerAsync(StreamRow stream, string name)
    {
        if (!stream.KnownProducers.Contains(name)) await RoundLoader.ProducerAsync(this, stream, name, default).ConfigureAwait(false);
        if (stream.Producers.GetValueOrDefault(name) is not { } producer) return null;
        if (producer.Forget is not { } forget || forget > Now) return producer;
        stream.Producers[name] = new(name) { IsChanged = true };         // written over the forgotten one
        return null;
    }

    public static ProducerRow MakeProducer(StreamRow stream, string name)
    {
        if (!stream.Producers.TryGetValue(name, out ProducerRow? producer)) stream.Producers.Add(name, producer = new(name));
        return producer;
    }

    /// <summary>Executes statements at once, in one round trip, after all changes so far.</summary>
    public async Task RunAsync(params NpgsqlBatchCommand[] commands)
    {
        await RoundWriter.WriteAsync(this, isEnd: false, default).ConfigureAwait(false);
        await using NpgsqlBatch batch = connection.CreateBatch();
        foreach (NpgsqlBatchCommand command in commands) batch.BatchCommands.Add(command);
        await batch.ExecuteNonQueryAsync().ConfigureAwait(false);
        Touched++;
    }

    /// <summary>Executes queries at once, in one round trip, after all changes so far if there are any.</summary>
    /// <param name="commands">The queries.</param>
    /// <param name="row">Reads a row of the query with the given number.</param>
    public async Task ReadAsync(IReadOnlyList<NpgsqlBatchCommand> commands, Action<int, NpgsqlDataReader> row)
    {
        if (commands.Count == 0) return;
        await using NpgsqlBatch batch = connection.CreateBatch();
        foreach (NpgsqlBatchCommand command in commands) batch.BatchCommands.Add(command);
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync().ConfigureAwait(false);
        for (int i = 0; i < commands.Count; i++)
        {
            while (await rows.ReadAsync().ConfigureAwait(false)) row(i, rows);
            await rows.NextResultAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Writes what has changed so far, so that queries see it.</summary>
    public Task SaveAsync() => RoundWriter.WriteAsync(this, isEnd: false, default);
}
