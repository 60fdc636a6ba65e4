namespace Sluice.PostgreSql;

/// <summary>
/// Looks for the commits of transactions in which this process has sent: one query for all of them, often after a send, and more and more
/// rarely. When one has committed, its streams take in its items, which wakes their consumers. No transaction of an application notifies:
/// <c>NOTIFY</c> takes a lock over the whole database at its commit.
/// </summary>
/// <remarks>
/// Only makes it faster: each round of a stream takes in what it sees. Thread-safe. Locking rule: <c>gate</c> protects everything.
/// </remarks>
/// <param name="ended">Returns which of some transactions have committed, and which have ended.</param>
/// <param name="takeIn">Moves the items of a stream into its partitions.</param>
/// <param name="publish">Wakes the consumers of this process that wait for a stream.</param>
/// <param name="interval">The time between two looks at first.</param>
internal sealed class IntakeWatch(Func<long[], CancellationToken, Task<(HashSet<long> Committed, HashSet<long> Ended)>> ended,
    Func<string, Task> takeIn, Action<IReadOnlyList<string>> publish, TimeSpan interval) : IAsyncDisposable
{
    private static readonly TimeSpan MaxInterval = TimeSpan.FromMilliseconds(250);

    // After that, the looks of waiting consumers find it.
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(1);

    // While sends go on, the looks and what they move take a quarter of the time at most.
    private const int Rest = 3;

    private static readonly TimeSpan MaxEnd = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly Dictionary<long, Sent> open = [];
    private readonly Dictionary<string, (long Items, long Bytes)> pending = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource closing = new();
    private TimeSpan pause;
    private Task watching = Task.CompletedTask;

    /// <summary>The transaction has sent to the stream.</summary>
    public void Add(string stream, long transaction, long items, long bytes)
    {
        lock (gate)
        {
            if (!open.TryGetValue(transaction, out Sent? sent)) open.Add(transaction, sent = new());
            sent.Since = TimeProvider.System.GetTimestamp();
            (long Items, long Bytes) before = sent.Streams.GetValueOrDefault(stream), all = pending.GetValueOrDefault(stream);
            sent.Streams[stream] = (before.Items + items, before.Bytes + bytes);
            pending[stream] = (all.Items + items, all.Bytes + bytes);
            pause = interval;
            if (watching.IsCompleted && !closing.IsCancellationRequested) watching = Connections.Detached(WatchAsync);
        }
    }

    /// <summary>What transactions have sent to a stream and what is not known to be in it, or to be rolled back.</summary>
    public (long Items, long Bytes) Pending(string stream)
    {
        lock (gate) return pending.GetValueOrDefault(stream);
    }

    /// <summary>Looks once more, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        Task last;
        lock (gate)
        {
            closing.Cancel();
            last = watching;
        }
        await last.ConfigureAwait(false);
        using var soon = new CancellationTokenSource(MaxEnd, TimeProvider.System);
        await LookAsync(soon.Token).ConfigureAwait(false);
        closing.Dispose();
    }

    private async Task WatchAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        TimeSpan took = TimeSpan.Zero;
        while (true)
        {
            TimeSpan now;
            lock (gate)
            {
                if (open.Count == 0 || closing.IsCancellationRequested)
                {
                    watching = Task.CompletedTask;   // the next send starts the task again
                    return;
                }
                now = pause;
                pause = pause * 1.5 < MaxInterval ? pause * 1.5 : MaxInterval;
            }
            if (now < took * Rest) now = took * Rest < MaxInterval ? took * Rest : MaxInterval;
            await Task.Delay(now, TimeProvider.System, closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            long begun = TimeProvider.System.GetTimestamp();
            if (!closing.IsCancellationRequested) await LookAsync(closing.Token).ConfigureAwait(false);
            took = TimeProvider.System.GetElapsedTime(begun);
        }
    }

    /// <summary>Takes in what has committed. Never throws.</summary>
    public async Task LookAsync(CancellationToken cancellation)
    {
        long[] transactions;
        lock (gate) transactions = [.. open.Keys];
        if (transactions.Length == 0) return;
        try
        {
            (HashSet<long> committed, HashSet<long> all) = await ended(transactions, cancellation).ConfigureAwait(false);
            string[] took = StreamsOf(committed);
            await Task.WhenAll(took.Select(takeIn)).WaitAsync(cancellation).ConfigureAwait(false);
            publish([.. StreamsOf(all).Except(took)]);       // a stream that has ended may be complete now
            lock (gate)
                foreach (long transaction in transactions)
                    if (all.Contains(transaction) || (open.TryGetValue(transaction, out Sent? sent)
                        && TimeProvider.System.GetElapsedTime(sent.Since) > MaxAge)) Remove(transaction);
        }
        catch (Exception failure) when (failure is NpgsqlException or IOException or InvalidOperationException or StreamStoreException
            or System.Net.Sockets.SocketException or OperationCanceledException or ObjectDisposedException or TimeoutException)
        {
            // The calls say that the server is away. Consumers look again when it answers. A server that does not know the transactions
            // was put in place of another one.
            if (failure.InnerException is not PostgresException && failure is not PostgresException) return;
            lock (gate)
                foreach (long transaction in transactions) Remove(transaction);
        }
    }

    private string[] StreamsOf(HashSet<long> transactions)
    {
        lock (gate)
            return [.. transactions.Where(open.ContainsKey).SelectMany(one => open[one].Streams.Keys).Distinct()];
    }

    private void Remove(long transaction)
    {
        if (!open.Remove(transaction, out Sent? sent)) return;
        foreach ((string stream, (long items, long bytes)) in sent.Streams)
            if (pending[stream] is var all && all.Items > items) pending[stream] = (all.Items - items, all.Bytes - bytes);
            else pending.Remove(stream);
    }

    /// <summary>What a transaction has sent.</summary>
    private sealed class Sent
    {
        public Dictionary<string, (long Items, long Bytes)> Streams { get; } = new(StringComparer.Ordinal);
        public long Since { get; set; }
    }
}
