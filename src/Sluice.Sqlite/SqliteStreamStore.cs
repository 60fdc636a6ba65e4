namespace Sluice.Sqlite;

/// <summary>
/// A stream store in one SQLite file. Acknowledged writes survive the end of the process (<see cref="Durability.Process"/>) or a power
/// failure (<see cref="Durability.Power"/>). One process at a time can open it, which a lock of the operating system enforces.
/// </summary>
/// <remarks>
/// <para>
/// Thread-safe. One thread of the store writes everything. Calls that arrive during a transaction share the next one, so that many callers
/// share one flush of the disk, and a single caller waits for no other. Settled entries leave the file, and their room is used again.
/// </para>
/// <para>
/// Every entry has a checksum, verified on each read. A damaged entry throws a <see cref="StreamStoreException"/> with stream, partition
/// and sequence. If the disk is full or fails, calls fail; acknowledged writes are safe, and the store continues once there is room.
/// </para>
/// <para>
/// The store detects the loss of acknowledged commits (<see cref="Loss"/>), as from a truncated write-ahead log (<c>-wal</c>) or an older
/// copy of the file, as long as its lock file (<c>-lock</c>) stays beside it unchanged.
/// </para>
/// <para>Heartbeats, reservations and expiries of readers are not stored: they start again when the store is opened.</para>
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
    private readonly DamageLooks looks;
    private readonly OwnerListener? listener;
    private readonly OneDisposal disposal = new();
    private readonly string? loss;
    private readonly bool isOperator;

    private SqliteStreamStore(StoreFile file, StoreLock fileLock, Living living, Writer writer, Durability durability, string? loss,
        bool acceptsChanges, bool isOperator)
    {
        (this.file, this.fileLock, this.living, this.writer, Durability) = (file, fileLock, living, writer, durability);
        (this.loss, this.isOperator) = (loss, isOperator);
        looks = new(file);
        writer.Start();
        if (acceptsChanges) listener = OwnerListener.Start(this, file.Time);
    }

    /// <inheritdoc/>
    public override Durability Durability { get; }

    /// <inheritdoc/>
    public override StreamStoreCapabilities Capabilities => StreamStoreCapabilities.PartitionChanges;

    /// <inheritdoc/>
    public override int Generation => writer.Generation;

    /// <inheritdoc/>
    /// <remarks>
    /// The lock file (<c>-lock</c>) records the progress of the store. If it is missing, or was restored together with the file, no loss is
    /// detected. A loss is told by each <see cref="OpenAsync"/> until a process has read this property. An operator's program
    /// (<see cref="OpenToChangeAsync"/>) does not count: the service is told, too.
    /// </remarks>
    public override string? Loss
    {
        get
        {
            if (loss is not null && !isOperator) fileLock.TellLoss();
            return loss;
        }
    }

    /// <inheritdoc/>
    /// <remarks><see cref="SqliteTransaction"/>.</remarks>
    public override Type TransactionType => typeof(SqliteTransaction);

    /// <summary>The full path of the file.</summary>
    public string Path => file.Path;

    /// <summary>Returns the store as settings name it: <c>sqlite:</c> and the full path.</summary>
    public override string ToString() => $"sqlite:{Path}";

    /// <summary>
    /// Opens a store, and creates the file if it does not exist. The store's tables have the prefix <c>sluice_</c>; the file may contain
    /// others.
    /// </summary>
    /// <param name="path">
    /// The file, on a local disk, in an existing directory. Its log and lock are beside it (<c>-wal</c>, <c>-shm</c>, <c>-lock</c>).
    /// </param>
    /// <param name="durability"><see cref="Durability.Process"/> or <see cref="Durability.Power"/>; it may differ at each opening.</param>
    /// <param name="options">The options of the store.</param>
    /// <param name="cancellation">Gives up before anything is done.</param>
    /// <exception cref="StreamStoreException">
    /// The store is open elsewhere, was written by a newer version, is no database, is damaged, or cannot be written; the message says
    /// which.
    /// </exception>
    /// <exception cref="ArgumentException">The path is a connection string or an address, the durability is another one, or an option is
    /// out of its range.</exception>
    public static ValueTask<SqliteStreamStore> OpenAsync(
        string path, Durability durability, SqliteStoreOptions? options = null, CancellationToken cancellation = default)
    {
        StorePath.Check(path);
        if (durability != Durability.Process && durability != Durability.Power)
            throw new ArgumentException($"A SQLite store has the durability {Durability.Process} or {Durability.Power}, not {durability}.",
                nameof(durability));
        options ??= new();
        options.Check();
        cancellation.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Open(FullPath(path), durability, options, isOperator: false));
    }

    /// <summary>
    /// Answers pending calls, then closes the file. Callers that wait for a change, and later calls, get an
    /// <see cref="ObjectDisposedException"/>.
    /// </summary>
    public override ValueTask DisposeAsync() => disposal.RunAsync(() => CloseAsync(abandon: false));

    // For tests: called on the writer's thread around the end of each transaction (false before, true after it).
    internal Action<bool>? Probe
    {
        set => living.Probe = value;
    }

    // For tests: the last transaction with the promised durability.
    internal long Flushed => writer.Flushed;

    // For tests: runs on the writer's thread.
    internal ValueTask WithDatabaseAsync(Action<Database> action) => DoAsync(session => action(session.Database), default);

    // For tests: ends as a kill does.
    internal ValueTask AbandonAsync() => disposal.RunAsync(() => CloseAsync(abandon: true));

    // Whatever fails, the writer ends and the lock is free.
    private async Task CloseAsync(bool abandon)
    {
        try
        {
            if (listener is not null) await listener.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            try
            {
                await looks.CloseAsync().ConfigureAwait(false);      // so that the writer's connection is the last one
                await writer.CloseAsync(abandon).ConfigureAwait(false);
                if (!abandon) fileLock.ForgetToldLoss();
            }
            finally
            {
                fileLock.Dispose();
            }
        }
    }

    private static SqliteStreamStore Open(string path, Durability durability, SqliteStoreOptions options, bool isOperator)
    {
        StoreLock fileLock = StoreLock.Take(path);
        Session? session = null;
        try
        {
            var file = new StoreFile(path, durability, options, isOperator);
            var living = new Living { RecentBlocks = options.RecentBlocks, MaxFunctionTime = options.MaxFunctionTime };
            session = Session.Open(file, living);
            living.Clock = new(options.Time, session.LastTime);
            living.Away = session.Away + (session.LastTime == default ? 0 : (living.Clock.Now - session.LastTime).Ticks);
            string? loss = FindLoss(session, fileLock, path);
            return new(file, fileLock, living, new(file, living, session, fileLock), durability, loss,
                options.AcceptsChanges, isOperator);
        }
        catch (Exception failure)
        {
            session?.Database.LeaveLog();
            session?.Database.Dispose();
            fileLock.Dispose();
            if (failure is SqliteFailure sqlite) throw sqlite.Explain(path);
            throw;
        }
    }

    // Runs before the writer has the session. The new generation was never used before. The loss is kept until a service has told it: an
    // operator may have found it, or a service that has died in its start.
    private static string? FindLoss(Session session, StoreLock fileLock, string path)
    {
        (long Reached, long Found)? kept = fileLock.Loss(), loss = kept;
        if (fileLock.Witness() is { } known && known.Transaction > session.Transaction)
        {
            loss = kept is var (reached, found) ? (Math.Max(reached, known.Transaction), Math.Min(found, session.Transaction))
                : (known.Transaction, session.Transaction);
            fileLock.NoteLoss(loss.Value);
            session.Begin();
            session.RaiseGeneration(Math.Max(known.Generation, session.Generation) + 1);
            if (!session.PrepareCommit()) throw StoreFile.Shared(path);
            session.Commit();
            session.Committed();
            fileLock.Note(session.Transaction, session.Generation);
        }
        return loss is var (last, present) ? $"The store {path} had come to its transaction {last}, and was back at {present} when it was "
            + "opened: an older copy was put in its place, or it was deleted, or the disk has lost its end. What came after that is lost."
            : null;
    }

    // Every path to the file must lead to the same lock.
    private static string FullPath(string path)
    {
        StorePath.Check(path);
        string full = System.IO.Path.GetFullPath(path);
        return new FileInfo(full).LinkTarget is null ? full : File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
    }

    private ValueTask<T> CallAsync<T>(Func<Session, T> call, CancellationToken cancellation, RequestKind kind = RequestKind.Other,
        bool isLasting = true, int functions = 0)
        => new(writer.CallAsync(kind, isLasting, call, cancellation, functions));

    private ValueTask DoAsync(Action<Session> call, CancellationToken cancellation)
        => new(writer.CallAsync(RequestKind.Other, isLasting: true, session =>
    {
        call(session);
        return true;
    }, cancellation));
}
