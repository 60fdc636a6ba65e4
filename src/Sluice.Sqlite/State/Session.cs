namespace Sluice.Sqlite;

/// <summary>
/// The store's data on the writer's thread: the connection, the loaded objects, and the current transaction. If a transaction fails, the
/// session is discarded, and another one starts from the database.
/// </summary>
internal sealed class Session
{
    private const int MaxStreams = 2000;

    private readonly StreamLoader loader;
    private readonly List<Stored> marked = [];
    private long lastTime;
    private long roots;

    /// <summary>Opens the file, and closes it again if it is damaged.</summary>
    /// <exception cref="SqliteFailure">The file cannot be opened or read.</exception>
    /// <exception cref="StreamStoreException">The file is damaged, or cannot be used.</exception>
    public static Session Open(StoreFile file, Living living)
    {
        Database database = file.Open();
        try
        {
            return new(database, living);
        }
        catch
        {
            database.LeaveLog();
            database.Dispose();
            throw;
        }
    }

    public Session(Database database, Living living)
    {
        (Database, Living) = (database, living);
        Statement meta = Sql("""
            SELECT generation, txn, time, recent, away, max(recent, (SELECT coalesce(max(id), 0) + 1 FROM sluice_chunk), coalesce((SELECT id + n FROM sluice_block ORDER BY id DESC LIMIT 1), 1)), last, roots, sum
            FROM sluice_meta
            """);
        if (!meta.Next()) throw new StreamStoreException("The store has lost its first row (sluice_meta): restore a backup.")
        {
            IsPermanent = true
        };
        (Generation, Transaction, lastTime) = (meta.Int(0), meta.Long(1), meta.Long(2));
        (long firstRecent, long nextBlock, Away) = (meta.Long(3), meta.Long(5), meta.Long(4));
        (byte[] last, roots) = (meta.IsNull(6) ? [] : meta.Bytes(6), meta.Long(7));
        bool isSound = meta.LongOrNull(8) is not { } sum || sum == SumOf(Generation, Transaction, lastTime, firstRecent, Away, last, roots);
        meta.Reset();
        if (!isSound) throw new StreamStoreException(
            "The first row of the store (sluice_meta) does not match its checksum. Nothing was changed. Restore a backup.")
        {
            IsPermanent =
                true
        };
        if (StoreRoots.Compute(database) != roots) throw new StreamStoreException(StoreRoots.Damage) { IsPermanent = true };
        BlockLink? lastBlock = BlockLink.Read(last);
        Now = LastTime;
        loader = new(this);
        Producers = new(this);
        Trims = new(this);
        Recent = new(living.RecentBlocks);
        Making = new(this, Math.Max(nextBlock, lastBlock?.NextId ?? 0), last);
        Blocks = new(this);
        Blocks.Load(firstRecent, lastBlock);
    }

    public Database Database { get; }
    public Living Living { get; }
    public StoredProducers Producers { get; }
    public ChunkCache Chunks { get; } = new();

    /// <summary>The chunks to remove.</summary>
    public Trims Trims { get; }

    /// <summary>The chunks of the current transaction.</summary>
    public ChunkWriter Making { get; }

    /// <summary>The blocks written last.</summary>
    public RecentBlocks Recent { get; }

    public StoredBlocks Blocks { get; }

    public int Generation { get; private set; }

    /// <summary>The number of the transaction. After an unknown outcome, the next opening looks for it.</summary>
    public long Transaction { get; private set; }

    /// <summary>The time of the current transaction.</summary>
    public DateTimeOffset Now { get; private set; }

    /// <summary>The stored part of the time for which the store was closed, in ticks.</summary>
    public long Away { get; }

    /// <summary>
    /// The time for which the store has been open, in ticks: the scale of idempotency windows. The wall clock also counts the time while
    /// the store is closed, and a wrong clock looks like a long closure.
    /// </summary>
    public long OpenTicks => Now.UtcTicks - Living.Away;

    public DateTimeOffset LastTime => new(lastTime, TimeSpan.Zero);

    /// <summary>Whether the connection is read-only: then the session lasts for a snapshot, and no call may write.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Whether a transaction has begun.</summary>
    public bool IsWriting { get; private set; }

    /// <summary>Whether the present call has changed data.</summary>
    public bool HasTouched { get; set; }

    /// <summary>What could not be read or deleted a moment ago.</summary>
    public UnreadableParts Unreadable => Living.Unreadable;

    public Statement Sql(string literal) => Database.Sql(literal);

    /// <summary>Begins a round of calls. They share one time, and one transaction if any of them writes.</summary>
    public void Begin()
    {
        Now = Living.Clock.Now is var now && now.UtcTicks > lastTime ? now : LastTime;
        Living.Reserved.Begin();
    }

    /// <summary>Begins the transaction if needed. Every change needs it first.</summary>
    public void Write()
    {
        HasTouched = true;
        if (IsWriting) return;
        Sql("BEGIN IMMEDIATE").Run();
        IsWriting = true;
        Transaction++;
    }

    /// <summary>Marks an object to be saved before the transaction ends.</summary>
    public void Mark(Stored stored)
    {
        Write();
        if (stored.IsMarked) return;
        stored.IsMarked = true;
        marked.Add(stored);
    }

    /// <summary>The changes to report to waiting callers.</summary>
    public ChangedStreams Changes { get; } = new();

    public void Changed(string stream) => Changes.Add(stream);

    /// <summary>Changes the digest for a created or removed stream or group (<see cref="StoreRoots"/>).</summary>
    public void ChangeRoots(long by)
    {
        Write();
        roots += by;
    }

    public void RaiseGeneration() => RaiseGeneration(Generation + 1);

    public void RaiseGeneration(int to)
    {
        Write();
        Making.Write();
        Generation = to;
    }

    /// <summary>Writes the chunks of the transaction and the marked objects.</summary>
    public void Save()
    {
        Making.Write();
        foreach (Stored stored in marked)
        {
            stored.IsMarked = false;
            stored.Save(Database);
        }
        marked.Clear();
    }

    /// <summary>Writes everything except the end of the transaction.</summary>
    /// <returns>Whether the store is as this session has left it. If not, another process writes to the file: this session has written
    /// its rows over those of the other one, and must roll back.</returns>
    public bool PrepareCommit()
    {
        if (Trims.AreMany) Trims.Remove();
        Save();
        Blocks.Age();
        Producers.Sweep();
        lastTime = Now.UtcTicks;
        long firstRecent = Recent.FirstId ?? Making.NextId;
        Sql("UPDATE sluice_meta SET generation = ?, txn = ?, time = ?, recent = ?, away = ?, last = ?, roots = ?, sum = ? WHERE txn = ?")
            .Put(Generation)
            .Put(Transaction).Put(lastTime).Put(firstRecent).Put(Living.Away)
            .Put(Making.Last).Put(roots).Put(SumOf(Generation, Transaction, lastTime, firstRecent, Living.Away, Making.Last, roots))
            .Put(Transaction - 1).Run();
        return Database.Changes == 1;
    }

    /// <summary>Computes the checksum of the store's first row.</summary>
    public static long SumOf(long generation, long transaction, long time, long recent, long away, ReadOnlySpan<byte> last, long roots)
        => new RowSum().Add(generation).Add(transaction).Add(time).Add(recent).Add(away).Add(last).Add(roots).Value;

    /// <summary>Ends the transaction. If this fails, its outcome is unknown, and the store must be opened again.</summary>
    public void Commit()
    {
        Living.Probe?.Invoke(false);
        Sql("COMMIT").Run();
        Living.Probe?.Invoke(true);
    }

    /// <summary>After the transaction: wakes waiting callers, and shrinks the caches.</summary>
    public void Committed()
    {
        IsWriting = false;
        loader.Bound(MaxStreams);
        Producers.Bound();
        Publish();
    }

    public void Publish() => Changes.Publish(Living.Changes);

    public StoredStream Stream(string name) => FindStream(name)
        ?? throw new StreamStoreException($"There is no stream {name} in this store: open it first (OpenStreamAsync).") { Stream = name };

    public StoredStream? FindStream(string name) => loader.Find(name);

    public void Forget(StoredStream stream)
    {
        loader.Forget(stream);
        Producers.Clear();
    }

    public StoredGroup Group(GroupId id) => Stream(id.Stream).Groups.TryGetValue(id.Name, out StoredGroup? group)
        ? group
        : throw new StreamStoreException($"There is no group {id.Name} on the stream {id.Stream}: add it first (AddGroupAsync).")
        {
            Stream =
        id.Stream
        };

    public StoredPartition Partition(GroupId id, int partition) => Group(id).Partitions[Checked(partition, Stream(id.Stream))].Sound();

    public static int Checked(int partition, StoredStream stream) => (uint)partition < (uint)stream.Logs.Length
        ? partition
        : throw new ArgumentOutOfRangeException(nameof(partition), partition,
        $"The stream {stream.Name} has the partitions 0 to {stream.Logs.Length - 1}.");
}
