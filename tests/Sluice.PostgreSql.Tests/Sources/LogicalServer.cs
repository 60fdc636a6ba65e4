namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>A server with <c>wal_level=logical</c>, which tests of changes share.</summary>
public sealed class LogicalServer : IAsyncLifetime
{
    private PostgresServer? server;

    internal PostgresServer Server => server!;

    public async ValueTask InitializeAsync() => server = await StartAsync();

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();

    internal static Task<PostgresServer> StartAsync(params string[] settings) => StartAsync(PostgresServer.StartAsync, settings);

    /// <summary>Starts one with a system identifier of its own.</summary>
    internal static Task<PostgresServer> StartOtherAsync() => StartAsync(PostgresServer.StartOtherAsync, []);

    private static async Task<PostgresServer> StartAsync(Func<string[], Task<PostgresServer>> startAsync, string[] settings)
    {
        PostgresServer server = await startAsync(["wal_level=logical", "max_wal_senders=20", "max_replication_slots=50",
            "wal_sender_timeout=20s", .. settings]);
        await server.AskAsync("ALTER USER sluice REPLICATION; GRANT pg_read_all_stats TO sluice");
        return server;
    }
}
