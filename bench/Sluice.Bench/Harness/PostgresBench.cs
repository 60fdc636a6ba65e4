using System.Globalization;
using Npgsql;
using Sluice.PostgreSql;

namespace Sluice.Bench;

/// <summary>The PostgreSQL server of a scenario, with <c>fsync</c> on. Each store has a schema of its own.</summary>
internal static class PostgresBench
{
    /// <summary>The number of rounds that a store writes at once: rivals insert over as many connections.</summary>
    public static readonly int Writers = new PostgresStoreOptions().MaxWriters;

    private static PostgresServer? server;
    private static int schemas;

    public static async Task<PostgresServer> GetAsync()
    {
        if (server is not null) return server;
        server = await PostgresServer.StartAsync("fsync=on", "full_page_writes=on", "shared_buffers=128MB",
            "autovacuum_naptime=5s");
        await server.AskAsync("GRANT ALL ON SCHEMA public TO sluice");
        return server;
    }

    public static string NewSchema() => string.Create(CultureInfo.InvariantCulture, $"bench{++schemas}");

    /// <summary>Runs something with a store in a schema of its own, and drops the schema, so that it is no load for what follows.</summary>
    public static async Task<T> WithStoreAsync<T>(Func<PostgresStreamStore, Task<T>> run)
    {
        string address = (await GetAsync()).Address, schema = NewSchema();
        T result;
        await using (PostgresStreamStore store = await PostgresStreamStore.OpenAsync(address, new() { Schema = schema }))
            result = await run(store);
        await ExecuteAsync($"DROP SCHEMA {schema} CASCADE");
        return result;
    }

    public static async Task ExecuteAsync(string text) => await (await GetAsync()).AskAsync(text);

    public static async Task<long> CountAsync(string table) => (long)(await (await GetAsync()).AskAsync($"SELECT count(*) FROM {table}"))!;

    /// <summary>Opens connections of the application's user.</summary>
    public static async Task<NpgsqlConnection[]> ConnectAsync(int count)
    {
        string address = (await GetAsync()).Address;
        var all = new NpgsqlConnection[count];
        for (int i = 0; i < count; i++)
        {
            all[i] = new(address + ";Maximum Pool Size=200");
            await all[i].OpenAsync();
        }
        return all;
    }

    public static async Task CloseAsync(NpgsqlConnection[] all)
    {
        foreach (NpgsqlConnection one in all) await one.DisposeAsync();
    }

    public static void Stop()
    {
        NpgsqlConnection.ClearAllPools();
        server?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        server = null;
    }
}
