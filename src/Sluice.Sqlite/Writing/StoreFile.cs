namespace Sluice.Sqlite;

/// <summary>The store's file. Opens it, first and again after a failure of the medium.</summary>
/// <param name="path">The path.</param>
/// <param name="durability">The durability of its commits.</param>
/// <param name="options">The options of the store.</param>
/// <param name="isOperator">Whether an operator opens it, who neither creates nor upgrades a store.</param>
internal sealed class StoreFile(string path, Durability durability, SqliteStoreOptions options, bool isOperator)
{
    public string Path => path;
    public TimeProvider Time => options.Time;
    public bool IsPowerSafe => durability == Durability.Power;

    /// <exception cref="SqliteFailure">The file cannot be opened.</exception>
    /// <exception cref="StreamStoreException">
    /// A newer version has written the file (for an operator: any other version), or its file system does not support write-ahead logs.
    /// </exception>
    public Database Open()
    {
        Database database = Database.Open(path);
        try
        {
            Prepare(database);
            return database;
        }
        catch
        {
            database.LeaveLog();
            database.Dispose();
            throw;
        }
    }

    /// <summary>The failure of a call that would write while the file is not found under its name.</summary>
    public static StreamStoreException Moved(string path) => new(
        $"The file {path} was deleted, moved or replaced while the store is open. Nothing of this call is stored. Put the file back, with "
            + $"its -wal, and repeat the call; or end the program: what was acknowledged is in the file that was moved.");

    /// <summary>The failure of a call that finds transactions of another writer.</summary>
    public static StreamStoreException Shared(string path) => new(
        $"Another process writes to the store {path}, too. Nothing of this call is stored, and this process writes nothing more there: "
            + $"what both have in memory does not fit together. The lock beside the file ({path}-lock) was deleted, or its file system "
            + $"keeps no locks. End both processes, and start one.")
    {
        IsPermanent = true
    };

    /// <summary>Opens a separate read-only connection.</summary>
    public Database OpenToRead() => Database.Open(path, readOnly: true);

    private void Prepare(Database database)
    {
        if (isOperator) Schema.CheckReadable(database, path);
        else Schema.CheckVersion(database, path);
        if (database.Ask("PRAGMA journal_mode = WAL") is var mode && mode != "wal")
            throw new StreamStoreException(
                $"The store {path} is on a file system that has no write-ahead logs (journal mode {mode}): put it on a local disk.");
        database.FlushesCommits = IsPowerSafe;
        database.Execute("PRAGMA temp_store = MEMORY");
        database.Execute($"PRAGMA cache_size = -{options.MaxCacheBytes / 1024}");
        database.Execute($"PRAGMA wal_autocheckpoint = {options.MaxLogBytes / 4096}");
        database.Execute($"PRAGMA journal_size_limit = {options.MaxLogBytes}");
        database.Execute("PRAGMA cell_size_check = ON");
        Schema.Open(database);
        database.GuardStore(withIds: true);
    }
}
