namespace Sluice.Sqlite;

/// <summary>
/// Runs reading calls on one thread, over a read-only connection. Calls share a snapshot of the file for at most <see cref="MaxAge"/>, so
/// that many small calls load the store's marks once, and the owner of the file can empty its write-ahead log.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class SnapshotReader
{
    /// <summary>The longest time for which a snapshot is used.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromMilliseconds(250);

    private readonly StoreFile file;
    private readonly RequestQueue queue = new();
    private readonly Thread thread;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Database? database;
    private Session? session;
    private long? since;                             // the begin of the present snapshot
    private volatile int generation;

    /// <exception cref="SqliteFailure">The file cannot be opened.</exception>
    /// <exception cref="StreamStoreException">The file has no store, or one of another version.</exception>
    public SnapshotReader(StoreFile file)
    {
        this.file = file;
        try
        {
            Begin();                                 // so that the opening fails, and not the first call
            End();
        }
        catch
        {
            Drop();
            throw;
        }
        thread = new(Work) { IsBackground = true, Name = $"sluice reads {Path.GetFileName(file.Path)}" };
    }

    public int Generation => generation;

    public void Start() => thread.UnsafeStart();        // it serves all callers, so it keeps the context of none

    public Task<T> CallAsync<T>(Func<Session, T> call, CancellationToken cancellation)
        => queue.CallAsync(new Request<T>(RequestKind.Other, isLasting: false, call), cancellation);

    public Task CloseAsync()
    {
        queue.Close(file.Path);
        return ended.Task;
    }

    private void Work()
    {
        List<Request> round = [];
        for (int last = 0; queue.Take(last, Left(), round); last = round.Count, round.Clear())
        {
            if (since is not null && Left() == TimeSpan.Zero) End();
            round.RemoveAll(request => !request.TryClaim());
            foreach (Request request in round) Run(request);
        }
        Drop();
        ended.SetResult();
    }

    // A refusal is the call's own. After any other failure the next call opens another connection.
    private void Run(Request request)
    {
        try
        {
            if (since is null) Begin();
            session!.Begin();
            request.Run(session);
            request.Answer();
        }
        catch (Exception failure)
        {
            if (session is not null && failure is (StreamStoreException or ArgumentException)) database!.ResetAll();
            else Drop();
            request.Fail(failure is SqliteFailure sqlite ? sqlite.Explain(file.Path, isLook: true) : failure);
        }
    }

    // The session stays valid while no transaction has ended since.
    private void Begin()
    {
        if (database is { HasMoved: true }) Drop();
        if (database is null)
        {
            database = file.OpenToRead();
            Schema.CheckReadable(database, file.Path);
        }
        database.Execute("BEGIN");
        since = file.Time.GetTimestamp();
        Statement meta = database.Sql("SELECT txn, version FROM sluice_meta");
        bool isThere = meta.Next();
        (long transaction, long version) = isThere ? (meta.Long(0), meta.Long(1)) : (-1, 0);
        meta.Reset();
        // The service of a newer version may have started and upgraded the file since.
        if (version != Schema.Version)
        {
            session = null;
            Schema.CheckReadable(database, file.Path);
        }
        if (session is not null && session.Transaction == transaction) return;
        session = null;
        var living = new Living();
        session = new(database, living) { IsReadOnly = true };
        living.Clock = new(file.Time, session.LastTime);
        generation = session.Generation;
    }

    private void End()
    {
        since = null;
        try
        {
            database!.ResetAll();
            database.Execute("ROLLBACK");            // a commit fails if a read has met damage, also one whose call has gone on without it
        }
        catch (SqliteFailure)
        {
            Drop();                                  // the next call opens another connection
        }
    }

    private void Drop()
    {
        (session, since) = (null, null);
        database?.Dispose();
        database = null;
    }

    private TimeSpan Left()
    {
        if (since is not { } begun) return Timeout.InfiniteTimeSpan;
        TimeSpan left = MaxAge - file.Time.GetElapsedTime(begun);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
