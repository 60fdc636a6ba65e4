namespace Sluice.PostgreSql;

/// <summary>
/// Tells other processes of changes, and hears of theirs. <c>NOTIFY</c> takes a lock over the whole database at its commit, so no
/// transaction of a call notifies: a transaction of its own tells everything that changed in some milliseconds. If nothing was told for
/// that long, this transaction goes with the round that has changed something, in the same round trip, behind its <c>COMMIT</c>.
/// </summary>
/// <remarks>
/// Thread-safe. Locking rule: <c>gate</c> protects what is pending, and whether a round carries a notification. A notification may be lost,
/// for example with its connection: waiting callers also look every few seconds.
/// </remarks>
internal sealed class Notifier : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MaxClosing = TimeSpan.FromSeconds(1);

    private readonly NpgsqlDataSource source;
    private readonly bool ownsSource;
    private readonly StreamChanges changes;
    private readonly PostgresStoreOptions options;
    private readonly string channel;
    private readonly string self = Guid.NewGuid().ToString("N");
    private readonly Lock gate = new();
    private readonly CancellationTokenSource closing = new();    // has no timer: nothing to free
    private readonly Task listening;
    private readonly TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Dictionary<string, HashSet<int>?> pending = new(StringComparer.Ordinal);
    private Task sending = Task.CompletedTask;
    private bool isCarried;

    public Notifier(NpgsqlDataSource source, bool ownsSource, StreamChanges changes, PostgresStoreOptions options)
    {
        (this.source, this.ownsSource, this.changes, this.options, channel) = (source, ownsSource, changes, options, "s_" + options.Schema);
        listening = ListenAsync();
    }

    /// <summary>Completes when it hears for the first time. Before, it misses messages, and nobody may wait.</summary>
    public Task Begun => begun.Task;

    /// <summary>Tells other processes of changes, soon.</summary>
    public void Tell(IReadOnlyDictionary<string, HashSet<int>?> streams)
    {
        lock (gate)
        {
            Merge(streams);
            if (sending.IsCompleted && !closing.IsCancellationRequested) sending = SendAsync(isTold: false);
        }
    }

    /// <summary>
    /// Gives a round the statements that tell of its changes; null if something was told just now, so that they are told a bit later.
    /// Then <see cref="Release"/> must follow.
    /// </summary>
    public IReadOnlyList<NpgsqlBatchCommand>? Carry(IReadOnlyDictionary<string, HashSet<int>?> streams)
    {
        lock (gate)
        {
            if (isCarried || !sending.IsCompleted || closing.IsCancellationRequested) return null;
            isCarried = true;
        }
        return Commands(streams, isFlushed: true);
    }

    /// <summary>The round that carries a notification has ended. If it has told its changes, nothing more is told for a moment.</summary>
    public void Release(bool hasTold)
    {
        lock (gate)
        {
            isCarried = false;
            if (hasTold && sending.IsCompleted && !closing.IsCancellationRequested) sending = SendAsync(isTold: true);
        }
    }

    /// <summary>Sends what is pending, and stops. A server that does not answer within a second is left behind.</summary>
    public async ValueTask DisposeAsync()
    {
        Task last;
        lock (gate)
        {
            closing.Cancel();
            last = sending;
        }
        begun.TrySetCanceled();
        await Task.WhenAll(last, listening).WaitAsync(MaxClosing, TimeProvider.System)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Merge(IReadOnlyDictionary<string, HashSet<int>?> streams)
    {
        foreach ((string stream, HashSet<int>? partitions) in streams)
            if (partitions is null) pending[stream] = null;
            else if (!pending.TryGetValue(stream, out HashSet<int>? known)) pending[stream] = [.. partitions];
            else known?.UnionWith(partitions);
    }

    private async Task SendAsync(bool isTold)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (isTold) await WaitAsync(options.WakeInterval).ConfigureAwait(false);
        while (true)
        {
            Dictionary<string, HashSet<int>?> now;
            lock (gate)
            {
                if (pending.Count == 0)
                {
                    sending = Task.CompletedTask;    // the next change starts the task again
                    return;
                }
                (now, pending) = (pending, new(StringComparer.Ordinal));
            }
            try
            {
                await SendAsync(now).ConfigureAwait(false);
            }
            catch (Exception)
            {
                // The calls say that the server is away. What was to be told is told later, whatever Npgsql has thrown: on a connection
                // that has lost its place, that is a plain Exception.
                if (closing.IsCancellationRequested) return;
                lock (gate) Merge(now);
                await WaitAsync(Pause).ConfigureAwait(false);
            }
            await WaitAsync(options.WakeInterval).ConfigureAwait(false);
        }
    }

    private Task<int> SendAsync(Dictionary<string, HashSet<int>?> streams) => source.UseOwnAsync(async connection =>
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        foreach (NpgsqlBatchCommand command in Commands(streams, isFlushed: false)) batch.BatchCommands.Add(command);
        return await batch.ExecuteNonQueryAsync().ConfigureAwait(false);
    }, default);

    // Not flushed: a crash of the server also ends the connections of those who wait for it. Behind a round that is flushed, nothing is
    // left to flush.
    private List<NpgsqlBatchCommand> Commands(IReadOnlyDictionary<string, HashSet<int>?> streams, bool isFlushed)
    {
        List<NpgsqlBatchCommand> commands = [new(Sql.Begin)];
        if (!isFlushed) commands.Add(new("SET LOCAL synchronous_commit = off"));
        foreach (string message in ChangeMessage.Write(self, streams))
            commands.Add(new NpgsqlBatchCommand("SELECT pg_notify($1, $2)").With(channel).With(message));
        commands.Add(new("COMMIT"));
        return commands;
    }

    private async Task ListenAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!closing.IsCancellationRequested)
        {
            try
            {
                await using NpgsqlConnection connection = await source.OpenOwnAsync(closing.Token).ConfigureAwait(false);
                connection.Notification += (_, heard) => ChangeMessage.Read(heard.Payload, self, changes);
                await using (var listen = new NpgsqlCommand($"LISTEN \"{channel}\"", connection))
                    await listen.ExecuteNonQueryAsync(closing.Token).ConfigureAwait(false);
                if (!begun.TrySetResult()) changes.PublishAll();     // messages were missed
                try
                {
                    while (true) await connection.WaitAsync(closing.Token).ConfigureAwait(false);
                }
                finally
                {
                    await LeaveAsync(connection).ConfigureAwait(false);
                }
            }
            catch (Exception)
            {
                // As above. Who waits also looks every few seconds.
                await WaitAsync(Pause).ConfigureAwait(false);
            }
        }
    }

    // The connection returns to a pool that may be the application's: who gets it next must not hear of our streams.
    private async Task LeaveAsync(NpgsqlConnection connection)
    {
        if (ownsSource && closing.IsCancellationRequested) return;           // the store closes its pool
        try
        {
            await using var unlisten = new NpgsqlCommand("UNLISTEN *", connection);
            await unlisten.ExecuteNonQueryAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            source.Clear();                          // it is closed when it is given back, and not reused
        }
    }

    private async Task WaitAsync(TimeSpan time)
    {
        try
        {
            await Task.Delay(time, TimeProvider.System, closing.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // the store is being closed
        }
    }
}
