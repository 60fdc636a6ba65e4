namespace Sluice.PostgreSql;

/// <summary>
/// Looks for the commits of transactions in which this process has sent: one query for all of them, often after a send, and more and more
/// rarely. When one has committed, its streams take in its items, which wakes their consumers. No transaction of an application notifies:
/// <c>NOTIFY</c> takes a lock over the whole database at its commit.
/// </summary>
/// <remarks>
/// Only makes it faster: each round of a stream takes in what it sees. A stream that cannot take in, because another session has locked it
/// or it is damaged, delays no other one. Thread-safe. Locking rule: <c>gate</c> protects everything.
/// </remarks>
/// <param name="ended">Returns which of some transactions have committed, and which have ended.</param>
/// <param name="takeIn">Moves the items of a stream into its partitions.</param>
/// <param name="publish">Wakes the consumers of this process that wait for a stream.</param>
/// <param name="interval">The time between two looks at first.</param>
/// <param name="time">The clock of this process.</param>
internal sealed class IntakeWatch(Func<long[], CancellationToken, Task<(HashSet<long> Committed, HashSet<long> Ended)>> ended,
    Func<string, Task> takeIn, Action<IReadOnlyList<string>> publish, TimeSpan interval, TimeProvider time) : IAsyncDisposable
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
    private readonly HashSet<string> taking = new(StringComparer.Ordinal);     // streams that take in for an earlier look
    private readonly CancellationTokenSource closing = new();
    private TimeSpan pause;
    private Task watching = Task.CompletedTask;

    /// <summary>The transaction has sent to the stream.</summary>
    public void Add(string stream, long transaction, long items, long bytes)
    {
        lock (gate)
        {
            if (!open.TryGetValue(transaction, out Sent? sent)) open.Add(transaction, sent = new());
            sent.Since = time.GetTimestamp();
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
        using var soon = new CancellationTokenSource(MaxEnd, time);
        await LookAsync(soon.Token).ConfigureAwait(false);
        closing.Dispose();
    }

    /// <summary>Which of the transactions that have sent to a stream have ended. What has committed is taken in by a call of the stream
    /// that begins after that.</summary>
    public async Task<IReadOnlyCollection<long>> EndedAsync(string stream, CancellationToken cancellation)
    {
        long[] transactions;
        lock (gate) transactions = [.. open.Where(one => one.Value.Streams.ContainsKey(stream)).Select(static one => one.Key)];
        if (transactions.Length == 0) return [];
        try
        {
            return (await ended(transactions, cancellation).ConfigureAwait(false)).Ended;
        }
        catch (Exception failure) when (AreUnknown(failure))
        {
            return transactions;
        }
    }

    /// <summary>Counts what transactions have sent to a stream no more: they have rolled back, or it is in the stream.</summary>
    public void Forget(string stream, IEnumerable<long> transactions)
    {
        lock (gate)
            foreach (long transaction in transactions)
                if (open.TryGetValue(transaction, out Sent? sent)) Remove(transaction, sent, stream);
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
            await Task.Delay(now, time, closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            long begun = time.GetTimestamp();
            if (!closing.IsCancellationRequested) await LookAsync(closing.Token).ConfigureAwait(false);
            took = time.GetElapsedTime(begun);
        }
    }

    // Takes in what has committed, and waits for that no longer than until the next look is due anyway. Never throws.
    private async Task LookAsync(CancellationToken cancellation)
    {
        long[] transactions;
        lock (gate)
        {
            if (open.Count == 0) return;
            transactions = [.. open.Where(static one => !one.Value.HasEnded).Select(static one => one.Key)];
        }
        try
        {
            if (transactions.Length > 0)
            {
                (HashSet<long> committed, HashSet<long> all) = await ended(transactions, cancellation).ConfigureAwait(false);
                Note(transactions, committed, all);
            }
            Task took = Task.WhenAll(Begin());
            await took.WaitAsync(MaxInterval, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (Exception failure)
        {
            // The calls say that the server is away. Consumers look again when it answers.
            if (!AreUnknown(failure)) return;
            lock (gate)
                foreach (long transaction in transactions) Remove(transaction);
        }
    }

    // "Transaction ID … is in the future": the server was put in place of another one.
    private static bool AreUnknown(Exception failure)
        => (failure as PostgresException ?? failure.InnerException as PostgresException)?.SqlState
            == PostgresErrorCodes.InvalidParameterValue;

    // What has ended is counted until its stream has taken it in. A transaction that stays open is given up.
    private void Note(long[] transactions, HashSet<long> committed, HashSet<long> all)
    {
        lock (gate)
            foreach (long transaction in transactions)
                if (!open.TryGetValue(transaction, out Sent? sent)) continue;
                else if (all.Contains(transaction)) (sent.HasEnded, sent.HasCommitted) = (true, committed.Contains(transaction));
                else if (time.GetElapsedTime(sent.Since) > MaxAge) Remove(transaction);
    }

    // A stream for which an earlier look still takes in has its turn at a later one.
    private List<Task> Begin()
    {
        Dictionary<string, (List<long> Transactions, bool HasItems)> sent = new(StringComparer.Ordinal);
        lock (gate)
        {
            foreach ((long transaction, Sent one) in open)
                if (one.HasEnded)
                    foreach (string stream in one.Streams.Keys)
                        if (!taking.Contains(stream))
                        {
                            (List<long> others, bool hasItems) = sent.GetValueOrDefault(stream, ([], false));
                            others.Add(transaction);
                            sent[stream] = (others, hasItems || one.HasCommitted);
                        }
            taking.UnionWith(sent.Keys);
        }
        return [.. sent.Select(one => TakeInAsync(one.Key, one.Value.Transactions, one.Value.HasItems))];
    }

    private async Task TakeInAsync(string stream, List<long> transactions, bool hasItems)
    {
        try
        {
            if (hasItems) await takeIn(stream).ConfigureAwait(false);
            else publish([stream]);                  // if its input has ended, it may be complete now
            Forget(stream, transactions);
        }
        catch (Exception)
        {
            // The calls of the stream say why. It is tried again at the next look.
        }
        finally
        {
            lock (gate) taking.Remove(stream);
        }
    }

    private void Remove(long transaction)
    {
        if (!open.TryGetValue(transaction, out Sent? sent)) return;
        foreach (string stream in sent.Streams.Keys.ToArray()) Remove(transaction, sent, stream);
    }

    private void Remove(long transaction, Sent sent, string stream)
    {
        if (!sent.Streams.Remove(stream, out (long Items, long Bytes) share)) return;
        if (pending[stream] is var all && all.Items > share.Items) pending[stream] = (all.Items - share.Items, all.Bytes - share.Bytes);
        else pending.Remove(stream);
        if (sent.Streams.Count == 0) open.Remove(transaction);
    }

    /// <summary>What a transaction has sent and what is not known to be in the streams, or to be rolled back.</summary>
    private sealed class Sent
    {
        public Dictionary<string, (long Items, long Bytes)> Streams { get; } = new(StringComparer.Ordinal);
        public bool HasEnded { get; set; }
        public bool HasCommitted { get; set; }
        public long Since { get; set; }
    }
}
