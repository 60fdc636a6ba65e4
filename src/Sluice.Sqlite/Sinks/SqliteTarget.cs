namespace Sluice.Sqlite;

/// <summary>
/// A SQLite file that is not the store's, written to so that repetitions change nothing. Two files cannot be written atomically, so each write
/// carries the id of its root: the rows that an earlier attempt left are deleted before the new ones are inserted.
/// </summary>
/// <remarks>
/// <para>
/// Use: write before the store's commit; after it, <see cref="PruneAsync"/>. If the commit is void, or the process dies in between, the same roots come again and are
/// written in the place of what was left. So rows are visible to others before the store's commit, and of a root that dies at a later attempt those of
/// the attempt that came so far stay.
/// </para>
/// <para>Thread-safe; one call at a time, which blocks its thread for one transaction (flushed to the disk).</para>
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

    /// <summary>The file, with its full path.</summary>
    public string Path { get; }

    /// <summary>Opens the file, which is made if it is not there. It gets a table <c>sluice_written</c>.</summary>
    /// <param name="path">The file; not that of a store that is open.</param>
    /// <param name="delete">Deletes everything that a root has written; its one <c>?</c> is the root's id.</param>
    /// <param name="setup">Statements that are run now: to make the tables, for example.</param>
    /// <exception cref="StreamStoreException">It cannot be opened, or a statement of the setup failed.</exception>
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
            database.GuardStore();
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

    /// <summary>Writes what roots have become, all of them or none: what earlier attempts of theirs wrote is replaced.</summary>
    /// <returns>How many were written: those that a later attempt has written already are left out.</returns>
    /// <exception cref="StreamStoreException">A statement failed, or the file; nothing was written.</exception>
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

    /// <summary>Forgets roots that the store has committed: they never come again. Their rows stay.</summary>
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
                    throw new StreamStoreException($"The database {Path} could not be written, nothing of these roots was: {sqlite.Message} (SQLite {sqlite.Code}).", sqlite);
                throw;
            }
        }
    }
}

/// <summary>What a root has become, for a <see cref="SqliteTarget"/>.</summary>
/// <param name="Root">The id of the root, the same at every attempt (<see cref="EntryId"/>, or what the layer above made of it).</param>
/// <param name="Attempt">The number of the attempt; from one.</param>
/// <param name="Writes">The statements; each row has the root's id, so that it can be found again.</param>
public sealed record RootWrites(string Root, int Attempt, SqliteWrites Writes);
