using Npgsql;
using Sluice.Tests.Delivery;

namespace Sluice.PostgreSql.Tests;

/// <summary>Consecutors and flows continue from stores that earlier versions of the tables have.</summary>
/// <remarks>
/// <c>SLUICE_WRITE_STORES=DIRECTORY</c> writes such a dump with this version. Never rewrite an existing dump: users have stores of that
/// version.
/// </remarks>
public sealed class StoredHistoryTests(SharedServer server) : IAsyncLifetime
{
    private readonly string database = $"history_{SharedServer.NewSchema()}";

    public ValueTask InitializeAsync() => new(server.Server.AskAsync($"CREATE DATABASE {database} OWNER sluice"));

    public ValueTask DisposeAsync() => new(server.Server.AskAsync($"DROP DATABASE {database} WITH (FORCE)"));

    /// <remarks>
    /// The tables of version 1 were changed once without a new number: <c>1-early</c> is from before. After the upgrade all have the same
    /// layout, so it is enough to continue the newest one; the long tests continue the oldest one, too. <c>SLUICE_SHARE=1</c> continues the
    /// first one with an intake.
    /// </remarks>
    [Theory]
    [InlineData("1-early")]
    [InlineData("1", Traits = ["Length", "long"])]
    [InlineData("2", Traits = ["Length", "long"])]
    [InlineData("3", Traits = ["Length", "long"])]
    [InlineData("4", Traits = ["Length", "long"])]
    [InlineData("5")]
    [InlineData("6")]
    [InlineData("7", Traits = ["Length", "long"])]
    public async Task AStoreOfAnEarlierVersionIsUpgradedAndContinued(string written)
    {
        await StoredDump.RestoreAsync(server.Server.Port, database, await StoredDump.ReadAsync($"version-{written}"));
        await using NpgsqlDataSource connections = Connect();
        await using (NpgsqlCommand version = connections.CreateCommand($"SELECT version FROM {StoredDump.Schema}.meta"))
            Assert.Equal(written[0] - '0', await version.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        await using PostgresStreamStore store = await OpenAsync();
        await using (PostgresStreamStore fresh = await PostgresStreamStore.OpenAsync(Address, new() { Schema = "fresh" }))
            Assert.Equal(await LayoutAsync(connections, "fresh"), await LayoutAsync(connections, StoredDump.Schema));
        if (written == "6" || (written == "1-early" && Repetitions.AreAll) || (written == "3" && ScenarioStore.Share == 1))
            await GoOnAsync(store, written[0] >= '3');
        else await StoredEverything.CheckAsync(store);
    }

    [Fact]
    public async Task AStoreOfThisVersionIsContinued()
    {
        string dump = "";
        await using (PostgresStreamStore store = await OpenAsync())
        await using (NpgsqlDataSource connections = Connect())
        {
            await StoredEverything.FillAsync(store);
            await StoredHistory.BeginAsync(store);
            await StoredIntake.FillAsync(connections, store,
                async () => dump = await StoredDump.DumpAsync(server.Server.Port, database));
        }
        if (Environment.GetEnvironmentVariable("SLUICE_WRITE_STORES") is { Length: > 0 } target)
            await StoredDump.WriteAsync(dump, Path.Combine(target, $"version-{SchemaText.Version}.sql.gz"));
        await server.Server.AskAsync($"DROP DATABASE {database} WITH (FORCE)");
        await server.Server.AskAsync($"CREATE DATABASE {database} OWNER sluice");
        await StoredDump.RestoreAsync(server.Server.Port, database, dump);
        await using PostgresStreamStore again = await OpenAsync();
        await GoOnAsync(again, hasIntake: true);
    }

    /// <summary>Who changes the tables writes a store of the version before.</summary>
    [Fact]
    public void EachVersionOfTheTablesHasAStore()
        => Assert.All(Enumerable.Range(1, SchemaText.Version), static version =>
            Assert.True(File.Exists(Path.Combine(AppContext.BaseDirectory, "Stores", $"version-{version}.sql.gz")), $"{version}"));

    private string Address => server.Address.Replace("Database=sluice", $"Database={database}", StringComparison.Ordinal);

    private static async Task GoOnAsync(PostgresStreamStore store, bool hasIntake)
    {
        await StoredEverything.CheckAsync(store);
        await StoredEverything.GoOnAsync(store);
        if (hasIntake) await StoredIntake.GoOnAsync(store);
        await StoredHistory.GoOnAsync(store);
    }

    private NpgsqlDataSource Connect() => NpgsqlDataSource.Create(Address);

    private ValueTask<PostgresStreamStore> OpenAsync() => PostgresStreamStore.OpenAsync(Address, new() { Schema = StoredDump.Schema });

    /// <summary>The columns, indexes and settings of all tables, whatever their order.</summary>
    private static async Task<string> LayoutAsync(NpgsqlDataSource connections, string schema)
    {
        await using NpgsqlCommand command = connections.CreateCommand($"""
            SELECT string_agg(line, E'\n' ORDER BY line) FROM (
            SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' '
                || a.attidentity::text || a.attstorage::text || ' ' || coalesce(l.collname, '') || ' '
                || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
                FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_collation l ON l.oid = a.attcollation
                LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
                WHERE c.relnamespace = '{schema}'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL SELECT replace(indexdef, ' {schema}.', ' ') FROM pg_indexes WHERE schemaname = '{schema}'
            UNION ALL SELECT c.relname || ' ' || ARRAY(SELECT unnest(c.reloptions) ORDER BY 1)::text
                || ARRAY(SELECT unnest(t.reloptions) ORDER BY 1)::text FROM pg_class c
                LEFT JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.relnamespace = '{schema}'::regnamespace AND c.relkind = 'r'
            UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = '{schema}'::regnamespace
            ) lines(line)
            """);
        return (string)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
}
