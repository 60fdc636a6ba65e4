namespace Sluice.PostgreSql;

/// <summary>
/// One transaction for the calls of some callers. It locks the streams of all calls in the order of their ids; only the owner of a
/// stream's lock changes anything of the stream. Calls change rows in memory, which are written together at the end.
/// </summary>
/// <remarks>
/// Not thread-safe: the calls run one after the other. A call checks everything before it changes a row. A round that fails is dropped
/// with all its rows.
/// </remarks>
internal sealed class Round(NpgsqlConnection connection, Sql sql, ChunkMarks marks, IntakeMarks intake, bool isReadOnly)
{
    private readonly Dictionary<string, StreamRow> streams = new(StringComparer.Ordinal);
    private readonly Dictionary<long, StreamRow> byId = [];
    private readonly Dictionary<long, GroupRow> groups = [];
    private readonly long begun = TimeProvider.System.GetTimestamp();
    private long time;

    public NpgsqlConnection Connection => connection;
    public Sql Sql => sql;
    public ChunkMarks Marks => marks;
    public IntakeMarks IntakeMarks => intake;
    public bool IsReadOnly => isReadOnly;
    public int Generation { get; private set; }
    public string StoreId { get; private set; } = "";
    public int Version { get; private set; }

    /// <summary>
    /// The store's time in ticks: the server's, but never before a time that one of the locked streams has seen (<see cref="Clock"/>).
    /// </summary>
    public long Now { get; private set; }

    public DateTimeOffset Time => new(Now, TimeSpan.Zero);
    public IEnumerable<StreamRow> Streams => streams.Values;
    public Dictionary<string, BatchCounts> Batches { get; } = new(StringComparer.Ordinal);
    public RoundChanges Changes { get; } = new();
    public RoundRows Rows { get; } = new();

    /// <summary>What was read of partitions that are taken or given back.</summary>
    public HeldRows Held { get; } = new();

    /// <summary>The client's object of the transaction; null if no call needs it.</summary>
    public NpgsqlTransaction? Transaction { get; init; }

    /// <summary>The server's id of the connection, while functions of items run.</summary>
    public int BackendId { get; set; }

    /// <summary>The time after which the token of a function of an item is cancelled.</summary>
    public TimeSpan MaxFunctionTime { get; init; }

    /// <summary>A function of an item that was given up, and still uses the connection; null for none.</summary>
    public Task? Unfinished { get; set; }

    /// <summary>The wait for the server's answers; null if the round runs no statements of the application.</summary>
    public ServerWait? Wait { get; init; }

    /// <summary>The clock of the store object; one of its own in tests.</summary>
    public required ServerClock Clock { get; init; }

    /// <summary>For tests: replaces the server's time.</summary>
    public Func<DateTimeOffset?>? ServerTime { get; init; }

    /// <summary>Whether its transaction has ended, with its last query.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Counts changes of rows, so that a call that fails in the middle is noticed.</summary>
    public int Touched { get; set; }

    /// <summary>Whether its calls have streams that are independent: then it gives up if it must wait for a lock for long.</summary>
    public bool IsDivisible { get; init; }

    /// <summary>What others have accepted for the streams of this round, in transactions of their own.</summary>
    public IntakeRows Intake { get; set; } = IntakeRows.None;

    /// <summary>When forgotten producers were last deleted.</summary>
    public ProducerSweep? Sweep { get; init; }

    /// <summary>What was damaged of the intake.</summary>
    public List<string> Damage { get; } = [];

    /// <summary>Streams whose trimmed blocks were perhaps not all removed.</summary>
    public HashSet<string> Unswept { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether the round has left rows of removed streams or groups.</summary>
    public bool HasGone { get; set; }

    /// <summary>The stamp that it writes to its streams.</summary>
    public long Stamp { get; } = Random.Shared.NextInt64(1, long.MaxValue);

    /// <summary>Tells other processes of changes in the round trip of the last statements; null if it may not.</summary>
    public Notifier? Notifier { get; init; }

    /// <summary>Whether other processes have been told of the changes.</summary>
    public bool HasTold { get; set; }

    /// <summary>Begins the transaction with the first statements, and checks what is known; null if the rows were read.</summary>
    public RoundCheck? Check { get; set; }

    /// <summary>Whether a call has changed rows by statements of its own, which the rows in memory do not tell.</summary>
    public bool HasOwnStatements { get; set; }

    /// <summary>Adds a stream that was read, or that is known with all its rows.</summary>
    public void Add(StreamRow stream)
    {
        streams.Add(stream.Name, stream);
        byId.Add(stream.Id, stream);
        foreach (GroupRow group in stream.Groups.Values) groups.Add(group.Id, group);
        time = Math.Max(time, stream.Time);
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

    /// <summary>The server has told its time.</summary>
    public void Begin(int generation, string store, int version, long microseconds)
    {
        (Generation, StoreId, Version) = (generation, store, version);
        Now = Tell(microseconds, time);
    }

    /// <summary>Begins with an estimate of the server's time; <see cref="NoteTime"/> follows.</summary>
    public void Begin(int generation, string store, int version, (long Microseconds, long Ahead) estimate)
    {
        (Generation, StoreId, Version) = (generation, store, version);
        Now = Math.Max(time, TicksOf(estimate.Microseconds) + estimate.Ahead);
    }

    /// <summary>The server has told its time to a round that has begun with an estimate. Later rounds need it.</summary>
    public void NoteTime(long microseconds) => Tell(microseconds, Now);

    private long Tell(long microseconds, long seen)
        => Clock.Tell(begun, TimeProvider.System.GetTimestamp(), microseconds, TicksOf(microseconds), seen);

    /// <summary>The ticks of a time that the server has told, or what a test puts in its place.</summary>
    public long TicksOf(long microseconds)
        => ServerTime?.Invoke()?.UtcTicks ?? DateTimeOffset.UnixEpoch.Ticks + (10 * microseconds);

    /// <summary>A stream that the round has locked; null for one that was created since.</summary>
    public StreamRow? StreamOf(long id) => byId.GetValueOrDefault(id);

    public GroupRow? GroupOf(long id) => groups.GetValueOrDefault(id);

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
        StoreRules.CheckEpoch(owner, owned.Epoch, group.Id);
        return owned;
    }

    /// <summary>Returns the partition of an ownership; null if it is void, or the group is gone.</summary>
    public async ValueTask<OwnedRow?> HeldAsync(Ownership owner)
        => await PartitionOfAsync(owner).ConfigureAwait(false) is { Owner: not null } owned && owned.Epoch == owner.Epoch ? owned : null;

    public async ValueTask<ProducerRow?> ProducerAsync(StreamRow stream, string name)
    {
        if (!stream.KnownProducers.Contains(name)) await RoundLoader.ProducerAsync(this, stream, name, default).ConfigureAwait(false);
        if (stream.Producers.GetValueOrDefault(name) is not { } producer) return null;
        if (producer.Forget is not { } forget || forget > Now) return producer;
        stream.Producers.Remove(name);               // a new one is written over it
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
        await using NpgsqlBatch batch = CreateBatch();
        foreach (NpgsqlBatchCommand command in commands) batch.BatchCommands.Add(command);
        await using NpgsqlDataReader rows = await ExecuteAsync(batch).ConfigureAwait(false);
        while (await rows.NextResultAsync().ConfigureAwait(false)) { }
        Touched++;
        HasOwnStatements = true;
    }

    /// <summary>Executes queries at once, in one round trip. They see changes of the round only after <see cref="SaveAsync"/>.</summary>
    /// <param name="commands">The queries.</param>
    /// <param name="row">Reads a row of the query with the given number.</param>
    /// <param name="isLast">Whether nothing follows: a round that only reads then ends in the same round trip.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task ReadAsync(IReadOnlyList<NpgsqlBatchCommand> commands, Action<int, NpgsqlDataReader> row, bool isLast = false,
        CancellationToken cancellation = default)
    {
        if (commands.Count == 0) return;
        await using NpgsqlBatch batch = CreateBatch();
        foreach (NpgsqlBatchCommand command in commands) batch.BatchCommands.Add(command);
        if (HasEnded = isLast && isReadOnly) batch.BatchCommands.Add(new("COMMIT"));
        await using NpgsqlDataReader rows = await ExecuteAsync(batch, cancellation).ConfigureAwait(false);
        for (int i = 0; i < commands.Count; i++)
        {
            while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) row(i, rows);
            await rows.NextResultAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Makes a batch of the round: the first one begins its transaction, unless that has been read before.</summary>
    public NpgsqlBatch CreateBatch()
    {
        NpgsqlBatch batch = connection.CreateBatch();
        if (Check is { IsSent: false } check) check.AddTo(batch);
        return batch;
    }

    /// <summary>Executes a batch of <see cref="CreateBatch"/>.</summary>
    /// <returns>The rows, at the first result of the round's own statements.</returns>
    public async Task<NpgsqlDataReader> ExecuteAsync(NpgsqlBatch batch, CancellationToken cancellation = default)
    {
        NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        if (Check is not { IsAnswered: false } check) return rows;
        try
        {
            await check.ReadAsync(rows, cancellation).ConfigureAwait(false);
            return rows;
        }
        catch
        {
            await rows.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Writes what has changed so far, so that queries see it.</summary>
    public Task SaveAsync() => RoundWriter.WriteAsync(this, isEnd: false, default);
}
