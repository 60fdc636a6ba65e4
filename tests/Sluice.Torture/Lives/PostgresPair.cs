using Sluice.PostgreSql.Tests;

namespace Sluice.Torture;

/// <summary>
/// A PostgreSQL server and a standby that confirms each commit, and replays it later. If the server is killed, the standby is promoted, and
/// gets a standby of its own. So nothing that was acknowledged is lost.
/// </summary>
internal sealed class PostgresPair : IAsyncDisposable
{
    private static readonly string[] Settings = ["wal_level=replica", "max_wal_senders=10", "hot_standby=on", "max_connections=100",
        "recovery_min_apply_delay=300ms", "synchronous_standby_names=*"];

    private PostgresServer primary, standby;

    private PostgresPair(PostgresServer primary, PostgresServer standby) => (this.primary, this.standby) = (primary, standby);

    /// <summary>Both servers; clients use the one that is the primary.</summary>
    public string Address => primary.Address.Replace($"Host=127.0.0.1;Port={primary.Port}",
        $"Host=127.0.0.1:{Math.Min(primary.Port, standby.Port)},127.0.0.1:{Math.Max(primary.Port, standby.Port)}",
        StringComparison.Ordinal);

    public static async Task<PostgresPair> StartAsync()
    {
        // Nothing confirms the commits that make the database: they are local.
        PostgresServer primary = await PostgresServer.StartAsync([.. Settings[..^1]]);
        PostgresServer standby = await primary.StartStandbyAsync(Settings);
        await primary.AskAsync($"ALTER SYSTEM SET synchronous_standby_names = '*'");
        await primary.AskAsync("SELECT pg_reload_conf()");
        return new(primary, standby);
    }

    public Task KillAsync() => primary.KillAsync();

    /// <summary>Promotes the standby, and starts another one in place of the server that was killed.</summary>
    public async Task FailOverAsync()
    {
        await standby.AskAsync("SELECT pg_promote()");
        int port = primary.Port;
        await primary.DisposeAsync();
        primary = standby;
        standby = await primary.StartStandbyAsync(Settings, port);
    }

    public Task PauseAsync() => primary.PauseAsync();

    public Task ResumeAsync() => primary.ResumeAsync();

    public async ValueTask DisposeAsync()
    {
        await standby.DisposeAsync();
        await primary.DisposeAsync();
    }
}
