namespace Sluice.Sqlite;

/// <summary>
/// A stream store in one SQLite file: what it has acknowledged survives the process (<see cref="Durability.Process"/>) or a power failure
/// (<see cref="Durability.Power"/>). One process has it open at a time, held by a lock of the operating system.
/// </summary>
/// <remarks>
/// <para>
/// Thread-safe. Everything is written by one thread of the store's own: what came in while it wrote one transaction goes into the next, so that many callers
/// share one flush of the disk, and a lone caller waits for nobody. What is settled leaves the file, whose room is used again.
/// </para>
/// <para>
/// Every entry has a checksum, compared when it is read: damage is a <see cref="StreamStoreException"/> that names stream, partition and entry. If the disk is full or fails, calls fail and say so;
/// nothing that was acknowledged is lost, and the store goes on when there is room again. Acknowledged commits that somebody else cuts off the end of the
/// write-ahead log (<c>-wal</c>), or that an older copy of the file does not have, are noticed (<see cref="Loss"/>) as long as its lock (<c>-lock</c>) lies beside it as it was.
/// </para>
/// <para>Heartbeats, reserved places, and when readers expire are not stored: they begin anew when the store is opened.</para>
/// </remarks>
/// <example><code>
/// await using var store = await SqliteStreamStore.OpenAsync("orders.db", Durability.Power);
/// </code></example>
public sealed partial class SqliteStreamStore : StreamStore
{
    private readonly StoreFile file;
    private readonly StoreLock fileLock;
    private readonly Living living;
    private readonly Writer writer;
    private readonly SemaphoreSlim looking = new(1);
    private int isDisposed;

    private SqliteStreamStore(StoreFile file, StoreLock fileLock, Living living, Writer writer, Durability durability, string? loss)
    {
        (this.file, this.fileLock, this.living, this.writer, Durability, Loss) = (file, fileLock, living, writer, durability, loss);
        writer.Start();
    }

    /// <inheritdoc/>
    public override Durability Durability { get; }

    /// <inheritdoc/>
    public override StreamStoreCapabilities Capabilities => StreamStoreCapabilities.PartitionChanges;

    /// <inheritdoc/>
    public override int Generation => writer.Generation;

    /// <inheritdoc/>
    /// <remarks>The lock beside the file (<c>-lock</c>) knows how far the store had come. Without it, and if it was put back together with the file, nothing is noticed.</remarks>
    public override string? Loss { get; }

    /// <summary>The file, with its full path.</summary>
    public string Path => file.Path;

    /// <summary>Opens a store, which is made if the file is not there. Its tables begin with <c>sluice_</c>; the file may have others.</summary>
    /// <param name="path">The file, on a local disk; its directory must be there. Beside it are its log and its lock (<c>-wal</c>, <c>-shm</c>, <c>-lock</c>).</param>
    /// <param name="durability"><see cref="Durability.Process"/> or <see cref="Durability.Power"/>; may be another one at each opening.</param>
    /// <param name="options">How to open it.</param>
    /// <param name="cancellation">Gives up before anything is done.</param>
    /// <exception cref="StreamStoreException">
    /// It is open already, was written by a newer version, is no database, is damaged, or cannot be written there: says which.
    /// </exception>
    /// <exception cref="ArgumentException">Another durability, or an option out of its range.</exception>
    public static ValueTask<SqliteStreamStore> OpenAsync(
        string path, Durability durability, SqliteStoreOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (durability != Durability.Process && durability != Durability.Power)
            throw new ArgumentException($"A SQLite store has the durability {Durability.Process} or {Durability.Power}, not {durability}.", nameof(durability));
        options ??= new();
        options.Check();
        cancellation.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Open(FullPath(path), durability, options));
    }

    /// <summary>Answers what was asked, then closes the file. Whoever waits for a change, and every later call, gets an <see cref="ObjectDisposedException"/>.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0) return;
        await writer.CloseAsync().ConfigureAwait(false);
        fileLock.Dispose();
    }

    // For tests: called by the writer's thread around the end of each transaction (false before, true after it).
    internal Action<bool>? Probe
    {
        set => living.Probe = value;
    }

    // For tests: the last transaction that is as safe as the store promises.
    internal long Flushed => writer.Flushed;

    // For tests.
    internal ValueTask WithDatabaseAsync(Action<Database> action) => DoAsync(session => action(session.Database), default);

    // Ends as a kill does, for tests.
    internal async ValueTask AbandonAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0) return;
        await writer.CloseAsync(abandon: true).ConfigureAwait(false);
        fileLock.Dispose();
    }

    private static SqliteStreamStore Open(string path, Durability durability, SqliteStoreOptions options)
    {
        StoreLock fileLock = StoreLock.Take(path);
        try
        {
            var file = new StoreFile(path, durability, options);
            var living = new Living { RecentBlocks = options.RecentBlocks };
            var session = new Session(file.Open(), living);
            living.Clock = new(options.Time, session.LastTime);
            living.Away = session.Away + (session.LastTime == default ? 0 : (living.Clock.Now - session.LastTime).Ticks);
            string? loss = FindLoss(session, fileLock.Witness(), path);
            return new(file, fileLock, living, new(file, living, session, fileLock), durability, loss);
        }
        catch (Exception failure)
        {
            fileLock.Dispose();
            if (failure is SqliteFailure sqlite) throw sqlite.Explain(path);
            throw;
        }
    }

    // Before the writer has the session. The new generation is one that was never used.
    private static string? FindLoss(Session session, (long Transaction, int Generation)? witness, string path)
    {
        if (witness is not { } known || known.Transaction <= session.Transaction) return null;
        long found = session.Transaction;
        session.Begin();
        session.RaiseGeneration(Math.Max(known.Generation, session.Generation) + 1);
        session.PrepareCommit();
        session.Commit();
        session.Committed();
        return $"The store {path} had come to its transaction {known.Transaction}, and is at {found} again: an older copy was put in its place, or it was deleted, or "
            + "the disk has lost its end. What came after that is lost.";
    }

    // The lock must be the same whatever way leads to the file.
    private static string FullPath(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        return new FileInfo(full).LinkTarget is null ? full : File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
    }

    private ValueTask<T> CallAsync<T>(Func<Session, T> call, CancellationToken cancellation, RequestKind kind = RequestKind.Other, bool isLasting = true)
        => new(writer.CallAsync(kind, isLasting, call, cancellation));

    private ValueTask DoAsync(Action<Session> call, CancellationToken cancellation) => new(writer.CallAsync(RequestKind.Other, isLasting: true, session =>
    {
        call(session);
        return true;
    }, cancellation));
}
