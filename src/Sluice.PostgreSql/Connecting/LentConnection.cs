namespace Sluice.PostgreSql;

/// <summary>
/// The connection of a round. If a function of an item that was given up still uses it, the server ends it, and the pool opens another one:
/// never may the function run statements in the transaction of another round.
/// </summary>
internal sealed class LentConnection(NpgsqlDataSource source, NpgsqlConnection connection) : IAsyncDisposable
{
    public NpgsqlConnection Connection => connection;

    /// <summary>The round that uses it.</summary>
    public Round? Round { get; set; }

    public ValueTask DisposeAsync()
    {
        if (Round is not { Unfinished: { IsCompleted: false } running } round) return connection.DisposeAsync();
        _ = EndAsync(running, round.BackendId, round.MaxFunctionTime);
        return default;
    }

    // The function may never return, so the connection does not wait for it, but for its own end.
    private async Task EndAsync(Task running, int backend, TimeSpan maxTime)
    {
        bool hasEnded = false;
        while (!hasEnded && !running.IsCompleted)
        {
            hasEnded = await TryTerminateAsync(backend).ConfigureAwait(false);
            // A function that waits for the server returns now.
            await running.WaitAsync(maxTime, TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        if (hasEnded) await NoticeAsync().ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<bool> TryTerminateAsync(int backend)
    {
        try
        {
            await using NpgsqlConnection other = await source.OpenOwnAsync().ConfigureAwait(false);
            await using NpgsqlBatch batch = other.CreateBatch();
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT pg_terminate_backend($1)").With(backend));
            await batch.ExecuteNonQueryAsync().ConfigureAwait(false);
            return true;
        }
        catch (Exception failure) when (Failures.MayPass(failure) || failure is NpgsqlException or ObjectDisposedException)
        {
            // If the server was restarted, the number may be that of another connection by now.
            await NoticeAsync().ConfigureAwait(false);
            return connection.State != System.Data.ConnectionState.Open || failure is ObjectDisposedException;
        }
    }

    // The client learns of the end by a statement; otherwise its pool would keep the connection. If the function has left a reader open,
    // the statement is refused, and the disposal reads to the end.
    private async Task NoticeAsync()
    {
        try
        {
            await using NpgsqlCommand ask = connection.CreateCommand();
            ask.CommandText = "SELECT 1";
            await ask.ExecuteNonQueryAsync().ConfigureAwait(false);
        }
        catch (Exception failure) when (Failures.MayPass(failure) || failure is NpgsqlException or ObjectDisposedException)
        {
            // as expected
        }
    }
}
