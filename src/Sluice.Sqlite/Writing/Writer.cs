namespace Sluice.Sqlite;

/// <summary>
/// The thread that owns the connection, and does group commits: calls that arrive during a transaction run in the next one, and are
/// answered once it is stored. Calls validate before they change anything, so a refused call does not affect the others. If a call fails
/// later, the transaction is rolled back, and each call gets its own. A call that has met damage is repeated without the damaged part
/// (<see cref="UnreadableParts"/>).
/// </summary>
internal sealed class Writer
{
    /// <summary>With durability against power failure, the maximum time until writes are flushed that need no flush at once.</summary>
    public static readonly TimeSpan FlushesAfter = TimeSpan.FromMilliseconds(50);

    private readonly StoreFile file;
    private readonly Living living;
    private readonly StoreLock storeLock;
    private readonly RequestQueue queue = new();
    private readonly Thread thread;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Session? session;
    private volatile int generation;
    private long noted;
    private volatile bool isAbandoned;
    private StreamStoreException? shared;            // another process writes to the file: this one no longer does
    private long newest;                             // the last transaction that this process may have stored
    private long? unflushedSince;                    // the end of the first transaction that is not flushed

    public Writer(StoreFile file, Living living, Session session, StoreLock storeLock)
    {
        (this.file, this.living, this.session, this.storeLock) = (file, living, session, storeLock);
        generation = session.Generation;
        newest = session.Transaction;
        thread = new(Work) { IsBackground = true, Name = $"sluice {Path.GetFileName(file.Path)}" };
    }

    public int Generation => generation;

    /// <summary>The last transaction with the promised durability.</summary>
    public long Flushed => Volatile.Read(ref noted);

    public void Start() => thread.UnsafeStart();        // it serves all callers, so it keeps the context of none

    /// <param name="kind">Decides the order within a round.</param>
    /// <param name="isLasting">Whether the answer must survive a power failure, in a store with that durability.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellation">Gives up while the call waits.</param>
    /// <param name="functions">The number of functions of items that it runs.</param>
    public Task<T> CallAsync<T>(RequestKind kind, bool isLasting, Func<Session, T> call, CancellationToken cancellation, int functions = 0)
        => queue.CallAsync(new Request<T>(kind, isLasting, call, functions), cancellation);

    /// <summary>Executes waiting calls, then ends the thread and closes the connection.</summary>
    /// <param name="abandon">Whether to end at once, as a kill does: waiting calls fail, and the write-ahead log stays.</param>
    public Task CloseAsync(bool abandon = false)
    {
        isAbandoned = abandon;
        queue.Close(file.Path);
        living.Changes.Close(file.Path);
        return ended.Task;
    }

    private void Work()
    {
        List<Request> round = [];
        try
        {
            for (int last = 0; queue.Take(last, TimeToFlush(), round); last = round.Count, round.Clear())
            {
                if (isAbandoned) throw new ObjectDisposedException(file.Path, "The store was given up.");
                round.RemoveAll(request => !request.TryClaim());
                if (round.Count > 0) RunRound(round);
                else if (unflushedSince is not null && TimeToFlush() == TimeSpan.Zero)
                {
                    RunRound([new Flushing(isLast: false)]);
                    // It failed: do not retry at once on a full disk.
                    if (unflushedSince is not null) unflushedSince = file.Time.GetTimestamp();
                }
            }
            if (!isAbandoned && (unflushedSince is not null || session is { Trims.AreAny: true })) RunRound([new Flushing(isLast: true)]);
        }
        catch (Exception failure)                    // otherwise the failure would be lost, and callers would wait for ever
        {
            queue.Close(file.Path);
            do
            {
                foreach (Request request in round) request.Fail(failure);
                round.Clear();
            }
            while (queue.Take(0, Timeout.InfiniteTimeSpan, round));
        }
        if (isAbandoned) session?.Database.LeaveLog();
        session?.Database.Dispose();
        ended.SetResult();
    }

    private void RunRound(List<Request> round)
    {
        if (shared is not null)
        {
            unflushedSince = null;
            foreach (Request request in round) request.Fail(shared);
            return;
        }
        long known = living.Unreadable.Added;
        if (TryRun(round, out Exception failure)) return;
        bool mayRepeatOne = failure is SqliteFailure { IsInterrupt: true } || living.Unreadable.Added > known;
        // Single calls would fail too.
        bool isHopeless = session is null || shared is not null || failure is SqliteFailure { IsIo: true } or SqliteFailure { IsBusy: true }
            || session.Database.HasMoved;
        foreach (Request request in round)
        {
            if ((round.Count == 1 && !mayRepeatOne) || isHopeless) request.Fail(Explain(failure));
            else if (!TryRunAlone(request, out Exception own)) request.Fail(Explain(own));
        }
    }

    // Each attempt may meet another damaged part.
    private bool TryRunAlone(Request request, out Exception failure)
    {
        living.Unreadable.Keeps = true;              // so each attempt adds another part
        try
        {
            long known;
            do
            {
                known = living.Unreadable.Added;
                if (TryRun([request], out failure)) return true;
            }
            while (session is not null && shared is null && living.Unreadable.Added > known);
        }
        finally
        {
            living.Unreadable.Keeps = false;
        }
        return false;
    }

    // Runs one transaction. False if it was rolled back: then no call was answered, and nothing is stored, unless the failure says that the
    // outcome is unknown.
    private bool TryRun(List<Request> round, out Exception failure)
    {
        failure = null!;
        bool isEnding = false;
        bool flushes = !file.IsPowerSafe || TimeToFlush() == TimeSpan.Zero || round.Exists(request => request.IsLasting);
        try
        {
            session ??= Reopen();
            if (file.IsPowerSafe) session.Database.FlushesCommits = flushes;
            session.Begin();
            foreach (Request request in round) Run(session, request);
            if (session.IsWriting)
            {
                // SQLite would go on with a deleted file, and what is acknowledged would be gone with the process. One call of the system.
                if (session.Database.HasMoved) throw StoreFile.Moved(file.Path);
                if (!session.PrepareCommit()) throw shared = StoreFile.Shared(file.Path);
                isEnding = true;
                newest = session.Transaction;
                session.Commit();
                session.Committed();
            }
            else
            {
                session.Publish();
            }
        }
        catch (Exception thrown)
        {
            failure = thrown;
            if (!GiveUp(isEnding, ref failure)) return false;
        }
        generation = session!.Generation;
        if (isEnding) Note(flushes);
        foreach (Request request in round) request.Answer();
        return true;
    }

    // A power failure may undo an unflushed transaction, so it is not recorded.
    private void Note(bool isFlushed)
    {
        if (!isFlushed)
        {
            unflushedSince ??= file.Time.GetTimestamp();
            return;
        }
        unflushedSince = null;
        storeLock.Note(session!.Transaction, generation);
        Volatile.Write(ref noted, session.Transaction);
    }

    // The remaining time until an unflushed transaction must be flushed.
    private TimeSpan TimeToFlush()
    {
        if (unflushedSince is not { } since) return Timeout.InfiniteTimeSpan;
        TimeSpan left = FlushesAfter - file.Time.GetElapsedTime(since);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private static void Run(Session session, Request request)
    {
        session.HasTouched = false;
        try
        {
            request.Run(session);
        }
        catch (Exception refused) when (!session.HasTouched && session.IsWriting == session.Database.IsInTransaction
            && refused is not SqliteFailure)
        {
            session.Database.ResetAll();
            request.Refuse(refused);
        }
    }

    // The session is discarded with the transaction's changes in memory. If the end of the transaction failed, its outcome is unknown:
    // the file is opened again to look for it. True if the transaction is stored.
    private bool GiveUp(bool wasEnding, ref Exception failure)
    {
        if (session is not { } failed) return false;
        session = null;
        living.Reserved.Undo();
        try
        {
            if (!wasEnding)
            {
                failed.Database.ResetAll();
                if (failed.Database.IsInTransaction) failed.Database.Execute("ROLLBACK");
                session = new(failed.Database, living);
                if (IsOfAnother(session)) failure = shared!;
                return false;
            }
        }
        catch (Exception unusable) when (unusable is SqliteFailure or StreamStoreException)
        {
            // The connection is unusable, or the file is damaged: it is opened again below.
        }
        failed.Database.LeaveLog();
        failed.Database.Dispose();
        try
        {
            session = Reopen();
        }
        catch (Exception notNow) when (notNow is SqliteFailure or StreamStoreException)
        {
            if (!wasEnding && shared is not null) failure = shared;
            if (wasEnding)
                failure = new StreamStoreException(
                    $"The store {file.Path} failed at the end of a transaction ({failure.Message}), and cannot be opened again to see "
                        + $"whether it is stored ({notNow.Message}). Look at the disk and repeat the call.", failure);
            return false;
        }
        if (!wasEnding || session.Transaction != failed.Transaction) return false;
        living.Reserved.Redo();
        failed.Publish();
        return true;
    }

    private Session Reopen()
    {
        var read = Session.Open(file, living);
        if (!IsOfAnother(read)) return read;
        read.Database.LeaveLog();
        read.Database.Dispose();
        throw shared!;
    }

    // A call that fails may have found rows of another process. Read again, the file would look like this process's own.
    private bool IsOfAnother(Session read)
    {
        if (shared is null && read.Transaction > newest) shared = StoreFile.Shared(file.Path);
        newest = read.Transaction;
        return shared is not null;
    }

    private Exception Explain(Exception failure) => failure is SqliteFailure sqlite ? sqlite.Explain(file.Path) : failure;
}
