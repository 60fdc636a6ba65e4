namespace Sluice.Sqlite;

/// <summary>
/// Looks for damage in partitions before they are acquired, over a read-only connection, so that a partition with much state delays no
/// other call. All that wait are looked at one after the other, by one thread that ends when nothing waits.
/// </summary>
/// <remarks>Thread-safe. Locking rule: <c>gate</c> protects what waits and the thread; what is found, and what is looked at, belong to the
/// thread.</remarks>
internal sealed class DamageLooks(StoreFile file)
{
    // What is found in that time is answered together: then the acquisitions share a transaction, and its flush.
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(5);

    private readonly Lock gate = new();
    private readonly Queue<Look> waiting = [];
    private readonly List<(Look Look, string? Damage, Exception? Failure)> found = [];
    private Task working = Task.CompletedTask;
    private bool isUnderWay;
    private volatile bool isClosed;
    private Look? current;
    private long since;

    /// <summary>The damage of a partition; null if there is none.</summary>
    /// <exception cref="StreamStoreException">The file cannot be read.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public async Task<string?> FindAsync(GroupId group, int partition, CancellationToken cancellation)
    {
        Look look = new(group, partition, cancellation);
        lock (gate)
        {
            if (isClosed) throw DisposedStore.Error(file.Path);
            waiting.Enqueue(look);
            if (!isUnderWay) (isUnderWay, working) = (true, OwnThread.RunAsync("sluice look", Work));
        }
        (string? damage, Exception? failure) = await look.Answer.Task.WaitAsync(cancellation).ConfigureAwait(false);
        return failure is null ? damage : throw failure;
    }

    /// <summary>Ends all looks, and waits until none has the file open.</summary>
    public Task CloseAsync()
    {
        lock (gate)
        {
            isClosed = true;
            return working;
        }
    }

    private bool Work()
    {
        Database? database = null;
        since = file.Time.GetTimestamp();
        while (true)
        {
            lock (gate) waiting.TryDequeue(out current);
            if (current is null)
            {
                // First: who disposes the store behind an answer closes the last connection, which empties the log.
                database?.Dispose();
                database = null;
                Answer();
                lock (gate)
                {
                    if (waiting.Count > 0) continue;
                    isUnderWay = false;
                    return true;
                }
            }
            if (current.Cancellation.IsCancellationRequested) continue;
            (string? damage, Exception? failure) = isClosed ? (null, DisposedStore.Error(file.Path)) : Find(current, ref database);
            found.Add((current, damage, failure));
            AnswerInTime();
        }
    }

    private (string? Damage, Exception? Failure) Find(Look look, ref Database? database)
    {
        try
        {
            if (database is null)
            {
                database = file.OpenToRead();
                database.InterruptIf(IsGivenUp);
            }
            database.Execute("BEGIN");
            string? damage = new PartitionCheck(database, look.Group.Stream, look.Group.Name, look.Partition).Find();
            database.Execute("COMMIT");
            return (damage, null);
        }
        catch (Exception failure)                    // of any kind: otherwise all that wait would wait for ever
        {
            database?.Dispose();                     // the next look begins anew
            database = null;
            return failure switch
            {
                SqliteFailure { IsInterrupt: true } => (null, isClosed ? DisposedStore.Error(file.Path)
                    : new OperationCanceledException(look.Cancellation)),
                SqliteFailure { IsCorrupt: true } => ($"The rows of {look.Group}/{look.Partition} cannot be read: {failure.Message}.", null),
                SqliteFailure other => (null, other.Explain(file.Path, isLook: true)),
                _ => (null, failure),
            };
        }
    }

    // Asked while SQLite reads: the answers about other partitions do not wait for a partition with much state.
    private bool IsGivenUp()
    {
        AnswerInTime();
        return isClosed || current!.Cancellation.IsCancellationRequested;
    }

    private void AnswerInTime()
    {
        if (file.Time.GetElapsedTime(since) >= Together) Answer();
    }

    private void Answer()
    {
        foreach ((Look one, string? damage, Exception? failure) in found) one.Answer.SetResult((damage, failure));
        found.Clear();
        since = file.Time.GetTimestamp();
    }

    private sealed record Look(GroupId Group, int Partition, CancellationToken Cancellation)
    {
        public TaskCompletionSource<(string? Damage, Exception? Failure)> Answer { get; }
            = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
