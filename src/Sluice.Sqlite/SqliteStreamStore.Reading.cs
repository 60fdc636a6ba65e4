namespace Sluice.Sqlite;

public sealed partial class SqliteStreamStore
{
    /// <summary>
    /// Opens an existing store for reading only, also while another process has it open. Every call reads a consistent snapshot of the
    /// file; a snapshot is at most 250 ms old. Calls that would change the store throw a <see cref="StreamStoreException"/>.
    /// </summary>
    /// <remarks>
    /// The store's process is not delayed: it writes and ends as without readers. Heartbeats are not in the file, so groups show owners of
    /// partitions and no members. The user needs the right to write in the directory, because SQLite keeps an index of the write-ahead log
    /// there (<c>-shm</c>).
    /// </remarks>
    /// <param name="path">The file.</param>
    /// <param name="options">The options of the store.</param>
    /// <param name="cancellation">Gives up before anything is done.</param>
    /// <exception cref="StreamStoreException">
    /// The file does not exist, has no store, was written by another version, is damaged, or cannot be read; the message says which.
    /// </exception>
    public static ValueTask<IStreamStore> OpenReadOnlyAsync(string path, SqliteStoreOptions? options = null,
        CancellationToken cancellation = default)
    {
        StorePath.Check(path);
        options ??= new();
        options.Check();
        cancellation.ThrowIfCancellationRequested();
        string full = ExistingPath(path);
        try
        {
            var file = new StoreFile(full, Durability.Power, options, isOperator: true);
            return ValueTask.FromResult<IStreamStore>(new ReadOnlyStore(file, Durability.Power));
        }
        catch (SqliteFailure failure)
        {
            throw failure.Explain(full, isLook: true);
        }
    }

    /// <summary>
    /// Opens an existing store for changes by an operator. If another process has the store open, that process makes the changes: dead
    /// letters can be redriven and deleted, consecutors paused, drained and resumed, and items sent. Other changes are refused, and reads
    /// are those of <see cref="OpenReadOnlyAsync"/>.
    /// </summary>
    /// <remarks>
    /// The processes talk by a Unix domain socket beside the file (<c>-socket</c>), which only their user can open. A process that must not
    /// take changes sets <see cref="SqliteStoreOptions.AcceptsChanges"/> to false.
    /// </remarks>
    /// <param name="path">The file.</param>
    /// <param name="options">The options of the store.</param>
    /// <param name="cancellation">Gives up opening.</param>
    /// <exception cref="StoreInUseException">Another process has the store open, and takes no changes.</exception>
    /// <exception cref="StreamStoreException">
    /// The file does not exist, has no store, was written by another version, is damaged, or cannot be read; the message says which.
    /// </exception>
    public static async ValueTask<IStreamStore> OpenToChangeAsync(string path, SqliteStoreOptions? options = null,
        CancellationToken cancellation = default)
    {
        StorePath.Check(path);
        options ??= new();
        string full = ExistingPath(path);
        var owner = new OwnerClient(full, options.Time);
        for (int tries = 1; ; tries++)
        {
            try
            {
                options.Check();
                cancellation.ThrowIfCancellationRequested();
                return Open(FullPath(full), Durability.Power, options, isOperator: true);
            }
            catch (StoreInUseException)
            {
                // The owner may have ended in the meantime, or may not listen yet.
                if (await owner.IsThereAsync(cancellation).ConfigureAwait(false)) break;
                if (tries == 2) throw owner.NoOwner();
            }
        }
        try
        {
            return new ReadOnlyStore(new(full, Durability.Power, options, isOperator: true), Durability.Power, isForChanges: true);
        }
        catch (SqliteFailure failure)
        {
            throw failure.Explain(full, isLook: true);
        }
    }

    /// <summary>
    /// Copies a store into a new file, also while another process has it open. The copy is one consistent moment of the store.
    /// </summary>
    /// <param name="path">The file of the store.</param>
    /// <param name="target">The new file; it must not exist.</param>
    /// <param name="cancellation">Ends the copy; then there is no new file.</param>
    /// <exception cref="ArgumentException">One of the two is empty, or a connection string or an address instead of a path.</exception>
    /// <exception cref="StreamStoreException">
    /// The store cannot be read, or the new file exists or cannot be written; the message says which. Then there is no new file.
    /// </exception>
    public static async ValueTask BackupAsync(string path, string target, CancellationToken cancellation = default)
    {
        StorePath.Check(path);
        StorePath.CheckTarget(target);
        cancellation.ThrowIfCancellationRequested();
        await OwnThread.RunAsync("sluice backup", () => Backup.Write(ExistingPath(path), System.IO.Path.GetFullPath(target),
            cancellation))
            .ConfigureAwait(false);
    }

    private static string ExistingPath(string path)
    {
        string full = FullPath(path);
        if (Directory.Exists(full)) throw StoreLock.Folder(full);
        return File.Exists(full) ? full : throw new StreamStoreException($"There is no store {full}: the file does not exist.")
        {
            IsPermanent = true
        };
    }
}
