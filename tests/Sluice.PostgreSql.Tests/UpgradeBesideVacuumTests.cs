namespace Sluice.PostgreSql.Tests;

/// <summary>The upgrade of a store whose blocks are being vacuumed, which takes hours for a table of many gigabytes.</summary>
public sealed class UpgradeBesideVacuumTests
{
    private const string Vacuums = "SELECT count(*) = 1 FROM pg_stat_progress_vacuum v JOIN pg_class c ON c.oid = v.relid "
        + "WHERE c.relname = 'chunk'";

    // As soon as the upgrade waits, in one step with seeing it: who reads and writes blocks takes these locks.
    private const string OthersGoOn = """
        DO $$ BEGIN
            FOR i IN 1..6000 LOOP
                EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'upgrade' AND wait_event_type = 'Lock');
                PERFORM pg_sleep(0.01);
                PERFORM pg_stat_clear_snapshot();
            END LOOP;
            LOCK TABLE history.meta, history.stream IN ACCESS SHARE MODE NOWAIT;
            LOCK TABLE history.chunk, history.waiting, history.intake IN ROW EXCLUSIVE MODE NOWAIT;
        END $$
        """;

    [Theory]
    [InlineData(4)]
    [InlineData(5, Traits = ["Length", "long"])]
    [InlineData(6)]
    public async Task AnAutovacuumGivesWay(int version)
    {
        await using PostgresServer server = await PostgresServer.StartAsync("autovacuum_naptime=1s", "deadlock_timeout=6s");
        await StoredDump.RestoreAsync(server.Port, "sluice", await StoredDump.ReadAsync($"version-{version}"));
        // The vacuum pauses after each page, so that it takes minutes.
        await server.AskAsync("ALTER TABLE history.chunk SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)");
        await server.AskAsync("INSERT INTO history.chunk SELECT 1000000, 0, n, n, 0, 1, repeat('x', 4000)::bytea "
            + "FROM generate_series(1, 4000) n");
        await server.AskAsync("DELETE FROM history.chunk WHERE stream = 1000000");
        await ByHand.UntilAsync(server, Vacuums);

        Task<PostgresStreamStore> opening = PostgresStreamStore.OpenAsync($"{server.Address};Application Name=upgrade",
            new() { Schema = StoredDump.Schema }).AsTask();
        Task others = server.AskAsync(OthersGoOn), blocked = ByHand.BlockedAsync(server, "upgrade");
        Assert.Same(blocked, await Task.WhenAny(blocked, opening));
        await others;
        await using PostgresStreamStore store = await opening;

        Assert.Equal(SchemaText.Version, await server.AskAsync("SELECT version FROM history.meta"));
        Assert.Equal(3L, await server.AskAsync("SELECT count(*) FROM pg_class WHERE relnamespace = 'history'::regnamespace "
            + "AND 'autovacuum_vacuum_cost_delay=0' = ANY (reloptions)"));
        await StoredEverything.CheckAsync(store);
    }
}
