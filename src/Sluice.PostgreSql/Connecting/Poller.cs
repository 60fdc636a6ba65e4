using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Sluice.PostgreSql;

/// <summary>
/// Looks for changes of the streams that callers wait for, by a counter in the row of each stream. It looks often while something changes,
/// and more and more rarely while nothing does; without waiting callers it does not look.
/// </summary>
/// <remarks>Thread-safe. Locking rule: <c>gate</c> protects who waits. Only the task that polls has <c>seen</c>.</remarks>
internal sealed class Poller : IAsyncDisposable
{
    private const int MaxSeen = 1000;                // above it, streams that no caller has waited for lately are forgotten

    // A caller that was woken reads, and waits again: if its stream was forgotten meanwhile, that would wake it once more.
    private static readonly TimeSpan Lately = TimeSpan.FromMinutes(1);

    private readonly NpgsqlDataSource source;
    private readonly Sql sql;
    private readonly StreamChanges changes;
    private readonly PostgresStoreOptions options;
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> waiting = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Count, long At)> seen = new(StringComparer.Ordinal);
    private long forgotAt = Stopwatch.GetTimestamp();
    private readonly CancellationTokenSource closing = new();
    private readonly Task polling;
    private TaskCompletionSource wake = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Poller(NpgsqlDataSource source, Sql sql, StreamChanges changes, PostgresStoreOptions options)
    {
        (this.source, this.sql, this.changes, this.options) = (source, sql, changes, options);
        polling = PollAsync();
    }

    /// <summary>A caller waits for a stream until the result is disposed.</summary>
    public IDisposable Wait(string stream)
    {
        lock (gate)
        {
            waiting[stream] = waiting.GetValueOrDefault(stream) + 1;
            wake.TrySetResult();
        }
        return new Waiter(this, stream);
    }

    /// <summary>Something changed here: more may follow soon.</summary>
    public void Hurry()
    {
        lock (gate) wake.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync().ConfigureAwait(false);
        await polling.ConfigureAwait(false);
        closing.Dispose();
    }

    private async Task PollAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        TimeSpan pause = options.WakeInterval;
        while (!closing.IsCancellationRequested)
        {
            string[] streams;
            Task woken;
            lock (gate)
            {
                streams = [.. waiting.Keys];
                if (wake.Task.IsCompleted) wake = new(TaskCreationOptions.RunContinuationsAsynchronously);
                woken = wake.Task;
            }
            bool hasChanged = streams.Length > 0 && await LookAsync(streams).ConfigureAwait(false);
            pause = hasChanged ? options.WakeInterval : pause * 2 < options.Poll ? pause * 2 : options.Poll;
            try
            {
                if (streams.Length == 0) await woken.WaitAsync(closing.Token).ConfigureAwait(false);
                else
                {
                    await Task.Delay(options.WakeInterval, TimeProvider.System, closing.Token).ConfigureAwait(false);
                    if (pause > options.WakeInterval)
                        await Task.WhenAny(woken, Task.Delay(pause - options.WakeInterval, TimeProvider.System, closing.Token))
                            .ConfigureAwait(false);
                }
                if (woken.IsCompleted) pause = options.WakeInterval;
            }
            catch (OperationCanceledException)
            {
                // the store is being closed
            }
        }
    }

    private async Task<bool> LookAsync(string[] streams)
    {
        List<string> changed = [];
        try
        {
            List<(string Name, long Changes)> rows = await source.UseOwnAsync(connection => ReadAsync(connection, streams), closing.Token)
                .ConfigureAwait(false);
            HashSet<string> gone = new(streams, StringComparer.Ordinal);
            long now = Stopwatch.GetTimestamp();
            foreach ((string stream, long count) in rows)
            {
                gone.Remove(stream);
                ref (long Count, long At) known = ref CollectionsMarshal.GetValueRefOrAddDefault(seen, stream, out bool wasKnown);
                if (!wasKnown || known.Count != count) changed.Add(stream);
                known = (count, now);
            }
            foreach (string stream in gone) changes.Forget(stream);
        }
        catch (Exception)
        {
            return false;                            // the calls say that the server is away; what Npgsql throws may be a plain Exception
        }
        if (seen.Count > MaxSeen && Stopwatch.GetElapsedTime(forgotAt) > Lately)
        {
            forgotAt = Stopwatch.GetTimestamp();
            foreach (var (stream, last) in seen)     // removals do not end an enumeration
                if (Stopwatch.GetElapsedTime(last.At, forgotAt) > Lately) seen.Remove(stream);
        }
        changes.Publish(changed);
        return changed.Count > 0;
    }

    private async Task<List<(string Name, long Changes)>> ReadAsync(NpgsqlConnection connection, string[] streams)
    {
        List<(string, long)> read = [];
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(sql.Command("SELECT name, changes FROM ~stream WHERE name = ANY($1)").With(streams));
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(closing.Token).ConfigureAwait(false);
        while (await rows.ReadAsync(closing.Token).ConfigureAwait(false)) read.Add((rows.GetString(0), rows.GetInt64(1)));
        return read;
    }

    private sealed class Waiter(Poller poller, string stream) : IDisposable
    {
        public void Dispose()
        {
            lock (poller.gate)
            {
                if (--poller.waiting[stream] == 0) poller.waiting.Remove(stream);
            }
        }
    }
}
