using System.Diagnostics;

namespace Sluice.Sqlite;

/// <summary>
/// Looks for damage in partitions before they are acquired, over a read-only connection, so that a partition with much state delays no
/// other call. All that wait are looked at one after the other, by one thread that ends when nothing waits.
/// </summary>
/// <remarks>Thread-safe. Locking rule: <c>gate</c> protects what waits, and whether the thread is there.</remarks>
internal sealed class DamageLooks(StoreFile file)
{
    // What is found in that time is answered together: then the acquisitions share a transaction, and its flush.
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(5);

    private readonly Lock gate = new();
    private readonly Queue<Look> waiting = [];
    private bool isUnderWay;

    /// <summary>The damage of a partition; null if there is none.</summary>
    /// <exception cref="StreamStoreException">The file cannot be read.</exception>
    public async Task<string?> FindAsync(GroupId group, int partition, CancellationToken cancellation)
    {
        Look look = new(group, partition, cancellation);
        lock (gate)
        {
            waiting.Enqueue(look);
            if (!isUnderWay) new Thread(Work) { IsBackground = true, Name = "sluice look" }.UnsafeStart();
            isUnderWay = true;
        }
        (string? damage, Exception? failure) = await look.Answer.Task.WaitAsync(cancellation).ConfigureAwait(false);
        return failure is null ? damage : throw failure;
    }

    private void Work()
    {
        Database? database = null;
        List<(Look Look, string? Damage, Exception? Failure)> found = [];
        long since = Stopwatch.GetTimestamp();
        while (true)
        {
            Look? look;
            lock (gate)
            {
                if (!waiting.TryDequeue(out look) && found.Count == 0)
                {
                    isUnderWay = false;
                    break;
                }
            }
            if (look is { Cancellation.IsCancellationRequested: true }) continue;
            if (look is not null)
            {
                (string? damage, Exception? failure) = Find(look, ref database);
                found.Add((look, damage, failure));
            }
            if (look is not null && Stopwatch.GetElapsedTime(since) < Together) continue;
            foreach ((Look one, string? damage, Exception? failure) in found) one.Answer.SetResult((damage, failure));
            found.Clear();
            since = Stopwatch.GetTimestamp();
        }
        database?.Dispose();
    }

    private (string? Damage, Exception? Failure) Find(Look look, ref Database? database)
    {
        try
        {
            database ??= file.OpenToRead();
            database.Execute("BEGIN");
            string? damage = new PartitionCheck(database, look.Group.Stream, look.Group.Name, look.Partition).Find();
            database.Execute("COMMIT");
            return (damage, null);
        }
        catch (SqliteFailure failure)
        {
            database?.Dispose();                     // the next look begins anew
            database = null;
            return failure.IsCorrupt ? ($"The rows of {look.Group}/{look.Partition} cannot be read: {failure.Message}.", null)
                : (null, failure.Explain(file.Path, isLook: true));
        }
        catch (Exception failure)                    // otherwise all that wait would wait for ever
        {
            return (null, failure);
        }
    }

    private sealed record Look(GroupId Group, int Partition, CancellationToken Cancellation)
    {
        public TaskCompletionSource<(string? Damage, Exception? Failure)> Answer { get; }
            = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
