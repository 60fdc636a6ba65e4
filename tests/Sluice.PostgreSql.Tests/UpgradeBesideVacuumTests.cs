namespace Sluice.PostgreSql.Tests;

/// <summary>The upgrade of a store whose blocks are being vacuumed, which takes hours for a table of many gigabytes.</summary>
public sealed class UpgradeBesideVacuumTests
{
    private const string Vacuums = "SELECT count(*) = 1 FROM pg_stat_progress_vacuum v JOIN pg_class c ON c.oid = v.relid "
        + "WHERE c.relname = 'chunk'";

    [Fact]
    public async Task AnAutovacuumGivesWay()
    {
        // A round of pauses after each page.
        await using PostgresServer server = await PostgresServer.StartAsync("autovacuum_naptime=1s", "deadlock_timeout=500ms");
        await StoredDump.RestoreAsync(server.Port, "sluice", await StoredDump.ReadAsync("version-6"));
        await server.AskAsync("ALTER TABLE history.chunk SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)");
        await server.AskAsync("INSERT INTO history.chunk SELECT 1000000, 0, n, n, 0, 1, repeat('x', 4000)::bytea "
            + "FROM generate_series(1, 4000) n");
        await server.AskAsync("DELETE FROM history.chunk WHERE stream = 1000000");
        await ByHand.UntilAsync(server, Vacuums);

        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address, new() { Schema = StoredDump.Schema });

        Assert.Equal(SchemaText.Version, await server.AskAsync("SELECT version FROM history.meta"));
        await StoredEverything.CheckAsync(store);
    }
}
