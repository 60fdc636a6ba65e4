namespace Sluice.PostgreSql;

/// <summary>
/// The connection of a round. If a function of an item that was given up still uses it, the server ends it, and the pool gets it back when
/// the function has returned: never may the function run statements in the transaction of another round.
/// </summary>
internal sealed class LentConnection(NpgsqlDataSource source, NpgsqlConnection connection) : IAsyncDisposable
{
    public NpgsqlConnection Connection => connection;

    /// <summary>The round that uses it.</summary>
    public Round? Round { get; set; }

    public ValueTask DisposeAsync()
    {
        if (Round is not { Unfinished: { IsCompleted: false } running } round) return connection.DisposeAsync();
        _ = EndAsync(running, round.BackendId);
        return default;
    }

    private async Task EndAsync(Task running, int backend)
    {
        try
        {
            await using NpgsqlConnection other = await source.OpenOwnAsync().ConfigureAwait(false);
            await using NpgsqlBatch batch = other.CreateBatch();
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT pg_terminate_backend($1)").With(backend));
            await batch.ExecuteNonQueryAsync().ConfigureAwait(false);
        }
        catch (Exception failure) when (Failures.MayPass(failure) || failure is NpgsqlException)
        {
            // The server ends it itself, when it is idle or its statement takes too long.
        }
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await connection.DisposeAsync().ConfigureAwait(false);
    }
}
