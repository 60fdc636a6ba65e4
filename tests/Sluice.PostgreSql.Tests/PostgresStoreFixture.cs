using Npgsql;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.PostgreSql.Tests;

/// <summary>A store with its own schema on the shared server. A kill ends the connections of the store on the server.</summary>
internal sealed class PostgresStoreFixture(string address, PostgresStoreOptions? options = null, bool timeStands = false)
    : StreamStoreFixture
{
    private readonly string schema = SharedServer.NewSchema();
    private readonly PassedTime time = new(timeStands);

    public override async ValueTask<IStreamStore> OpenAsync(TimeProvider clock)
        => await PostgresStreamStore.OpenAsync($"{address};Application Name={schema}",
        (options ?? new()) with { Time = clock, Schema = schema, ServerTime = () => time.Now, MaxConnections = 8 });

    public override async ValueTask KillAsync(IStreamStore store)
    {
        await SharedServer.Current.Server.AskAsync(
            $"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '{schema}'");
        await store.DisposeAsync();
    }

    /// <summary>Changes a bit of the payload, in its block or in its row.</summary>
    public override ValueTask<bool> DamageAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload)
        => ChangeAsync(payload, table => $"UPDATE {schema}.{table} SET body = set_byte(body, position($1 IN body) - 1, "
        + "get_byte(body, position($1 IN body) - 1) # 1) WHERE position($1 IN body) > 0", "chunk", "waiting");

    /// <summary>Deletes the block that contains the entry.</summary>
    public override ValueTask<bool> DeleteAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload)
        => ChangeAsync(payload, table => $"DELETE FROM {schema}.{table} WHERE position($1 IN body) > 0", "chunk");

    public override ValueTask PassTimeAsync(TestClock clock, TimeSpan span)
    {
        time.Pass(span);
        return base.PassTimeAsync(clock, span);
    }

    private async ValueTask<bool> ChangeAsync(ReadOnlyMemory<byte> payload, Func<string, string> change, params string[] tables)
    {
        await using var connection = new NpgsqlConnection(address + ";Pooling=false");
        await connection.OpenAsync();
        int changed = 0;
        foreach (string table in tables)
        {
            await using var command = new NpgsqlCommand(change(table), connection);
            command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = payload.ToArray() });
            changed += await command.ExecuteNonQueryAsync();
        }
        return changed > 0;
    }
}
