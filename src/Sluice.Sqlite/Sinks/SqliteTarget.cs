namespace Sluice.Sqlite;

/// <summary>
/// An idempotent writer to a SQLite file outside of the store. Two files cannot be written atomically, so each write carries the id of its
/// root: rows that an earlier attempt left are deleted before the new ones are inserted.
/// </summary>
/// <remarks>
/// <para>
/// Write before the store's commit, and call <see cref="PruneAsync"/> after it. If the commit is void, or the process dies in between, the
/// same roots come again and replace their rows. So rows are visible before the store's commit. If a root dies at a later attempt, the rows
/// of its last written attempt stay. What <c>Chunk</c>, windows, <c>GroupBy</c>, joins and timers put out may come again under another id:
/// for that, use <see cref="SqliteSink"/>, or a key of the data.
/// </para>
/// <para>Thread-safe. Calls run one at a time; each blocks its thread for one transaction, flushed to the disk.</para>
/// </remarks>
/// <example><code>
/// await using var target = SqliteTarget.Open("distances.db", "DELETE FROM distance WHERE root = ?");
/// await target.WriteAsync([new(id, attempt, new SqliteWrites().Add("INSERT INTO distance VALUES(?, ?, ?)", id, "ATL-LAX", 3126.4))]);
/// </code></example>
public sealed class SqliteTarget : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly Database database;
    private readonly string delete;

    private SqliteTarget(string path, Database database, string delete) => (Path, this.database, this.delete) = (path, database, delete);

    /// <summary>The full path of the file.</summary>
    public string Path { get; }

    /// <summary>Opens the file, and creates it if it does not exist. It gets a table <c>sluice_written</c>.</summary>
    /// <param name="path">The file; not the file of an open store.</param>
    /// <param name="delete">Deletes all rows of a root; its only <c>?</c> is the root's id.</param>
    /// <param name="setup">Statements to run now, for example to create tables; null for none.</param>
    /// <exception cref="StreamStoreException">The file cannot be opened, or a statement of the setup failed.</exception>
    public static SqliteTarget Open(string path, string delete, SqliteWrites? setup = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentException.ThrowIfNullOrWhiteSpace(delete);
        string full = System.IO.Path.GetFullPath(path);
        Database? database = null;
        try
        {
            database = Database.Open(full);
            database.Ask("PRAGMA journal_mode = WAL");
            database.Execute("PRAGMA synchronous = FULL");
            database.Execute("CREATE TABLE IF NOT EXISTS sluice_written(root TEXT PRIMARY KEY, attempt INTEGER NOT NULL) WITHOUT ROWID");
            database.GuardStore(withIds: false);
            var target = new SqliteTarget(full, database, delete);
            if (setup is not null) target.Transact(() => setup.Run(database));
            return target;
        }
        catch (Exception failure)
        {
            database?.Dispose();
            if (failure is SqliteFailure sqlite) throw sqlite.Explain(full);
            throw;
        }
    }

    /// <summary>Writes roots in one transaction, and replaces the rows of their earlier attempts.</summary>
    /// <returns>The number of roots written. Roots that a later attempt has already written are skipped.</returns>
    /// <exception cref="StreamStoreException">A statement or the file failed; nothing was written.</exception>
    public ValueTask<int> WriteAsync(IReadOnlyList<RootWrites> roots)
    {
        ArgumentNullException.ThrowIfNull(roots);
        int written = 0;
        Transact(() =>
        {
            foreach (RootWrites root in roots)
            {
                if (AttemptOf(root.Root) > root.Attempt) continue;
                new SqliteWrites().Add(delete, root.Root).Run(database);
                root.Writes.Run(database);
                database.Sql("INSERT OR REPLACE INTO sluice_written VALUES(?, ?)").Put(root.Root).Put(root.Attempt).Run();
                written++;
            }
        });
        return ValueTask.FromResult(written);
    }

    /// <summary>Forgets roots that the store has committed, which never come again. Their rows stay.</summary>
    public ValueTask PruneAsync(IReadOnlyList<string> roots)
    {
        ArgumentNullException.ThrowIfNull(roots);
        Transact(() =>
        {
            foreach (string root in roots) database.Sql("DELETE FROM sluice_written WHERE root = ?").Put(root).Run();
        });
        return ValueTask.CompletedTask;
    }

    /// <summary>Closes the file.</summary>
    public ValueTask DisposeAsync()
    {
        lock (gate) database.Dispose();
        return ValueTask.CompletedTask;
    }

    private long AttemptOf(string root)
    {
        Statement row = database.Sql("SELECT attempt FROM sluice_written WHERE root = ?").Put(root);
        if (!row.Next()) return 0;
        long attempt = row.Long(0);
        row.Reset();
        return attempt;
    }

    private void Transact(Action writes)
    {
        lock (gate)
        {
            try
            {
                database.Execute("BEGIN IMMEDIATE");
                writes();
                database.Execute("COMMIT");
            }
            catch (Exception failure)
            {
                database.ResetAll();
                if (database.IsInTransaction) database.Execute("ROLLBACK");
                if (failure is SqliteFailure sqlite)
                    throw new StreamStoreException(
                        $"The database {Path} could not be written, nothing of these roots was: {sqlite.Message} (SQLite {sqlite.Code}).",
                            sqlite);
                throw;
            }
        }
    }
}

/// <summary>The writes of one root, for a <see cref="SqliteTarget"/>.</summary>
/// <param name="Root">The id of the root, the same at every attempt (<see cref="EntryId"/>, or an id derived from it).</param>
/// <param name="Attempt">The number of the attempt, from one.</param>
/// <param name="Writes">The statements. Each row contains the root's id, so that it can be deleted.</param>
public sealed record RootWrites(string Root, int Attempt, SqliteWrites Writes);
