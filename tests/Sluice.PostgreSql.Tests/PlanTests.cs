using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>The server keeps the plans of the store's statements, and plans statements of the application as it always does.</summary>
public class PlanTests(SharedServer server)
{
    private const int Connections = 4, Appends = 30;

    private readonly string schema = SharedServer.NewSchema();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NoStatementOfARoundIsPlannedEachTime()
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create($"{server.Address};Max Auto Prepare=200;Auto Prepare Min Usages=2;"
            + $"Cancellation Timeout=-1;Maximum Pool Size={Connections}");
        await using (PostgresStreamStore store = await PostgresStreamStore.OpenAsync(source, new() { Schema = schema }, Cancellation))
        {
            await store.OpenStreamAsync("orders", new() { Partitions = 4 }, Cancellation);
            await store.AddGroupAsync(new("orders", "main"), cancellation: Cancellation);
            using var batch = new EntryBatch();
            batch.Add("one"u8);
            for (int i = 1; i <= Appends; i++) await store.AppendAsync(new("orders", "p", 0, i, batch), Cancellation);
            for (int i = 1; i <= Connections * Appends; i++) await store.ReadAsync(new("orders", 0, 1), Cancellation);
        }
        // The connections are in the pool, with what was prepared on them.
        List<(string Text, long Generic, long Custom)> plans = [];
        List<NpgsqlConnection> all = [];
        for (int i = 0; i < Connections; i++)
        {
            NpgsqlConnection connection = await source.OpenConnectionAsync(Cancellation);
            all.Add(connection);
            await using var command = new NpgsqlCommand("SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements "
                + $"WHERE statement LIKE '%\"{schema}\".%' AND generic_plans + custom_plans > 5", connection);
            await using NpgsqlDataReader row = await command.ExecuteReaderAsync(Cancellation);
            while (await row.ReadAsync(Cancellation)) plans.Add((row.GetString(0), row.GetInt64(1), row.GetInt64(2)));
        }
        foreach (NpgsqlConnection connection in all) await connection.DisposeAsync();
        Assert.Contains(plans, plan => plan.Text.Contains("FOR UPDATE", StringComparison.Ordinal));
        // A read leaves it to the server, which keeps a plan after five executions.
        var reads = plans.FindAll(static plan => plan.Text.Contains("first_wanted", StringComparison.Ordinal));
        Assert.NotEmpty(reads);
        Assert.All(reads, plan => Assert.True(plan.Custom <= 5, plan.ToString()));
        Assert.All(plans.Except(reads), plan => Assert.True(plan.Custom == 0, plan.ToString()));
    }

    [Fact]
    public async Task AStatementOfASinkIsPlannedAsTheServerWantsTo()
    {
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address, new() { Schema = schema },
            Cancellation);
        await using var orders = new Consecutor<int>("orders", source => source | PostgresSink.InStore<int>(
            $"INSERT INTO mode_{schema} SELECT current_setting('plan_cache_mode') || $1", static order => [$"{order}"],
            create: $"CREATE TABLE IF NOT EXISTS mode_{schema}(mode text)"), new() { Store = store });
        await orders.StartAsync();
        await orders.SendAsync(1, cancellation: Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        Assert.Equal("auto1", await server.Server.AskAsync($"SELECT mode FROM mode_{schema}"));
    }

    /// <summary>The removal of a run lists streams by narrow prefixes: it must not read all names that come later.</summary>
    [Fact]
    public async Task TheListOfAPrefixReadsOnlyItsNames()
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create($"{server.Address};Max Auto Prepare=20;Auto Prepare Min Usages=2;"
            + $"Maximum Pool Size={Connections + 1}");
        await using (PostgresStreamStore store = await PostgresStreamStore.OpenAsync(source, new() { Schema = schema }, Cancellation))
        {
            foreach (string name in (string[])["a/1", "b", "b/1", "b/2", "b/\U0010FFFF", "b0", "c", "\uD7FF1", "\uE000", "\U0010FFFFx"])
                await store.OpenStreamAsync(name, cancellation: Cancellation);
            Assert.Equal(["b/1", "b/2", "b/\U0010FFFF"], await store.ListStreamsAsync("b/", Cancellation));
            Assert.Equal(["b/\U0010FFFF"], await store.ListStreamsAsync("b/\U0010FFFF", Cancellation));
            Assert.Equal(["b/\U0010FFFF"], await store.ListStreamsAsync("b/\uDBFF", Cancellation));
            Assert.Equal(["\uD7FF1"], await store.ListStreamsAsync("\uD7FF", Cancellation));
            Assert.Equal(["\U0010FFFFx"], await store.ListStreamsAsync("\U0010FFFF", Cancellation));
            Assert.Empty(await store.ListStreamsAsync("d", Cancellation));
        }
        List<NpgsqlConnection> all = [];
        object? text = null;
        for (int i = 0; i <= Connections && text is null; i++)
        {
            all.Add(await source.OpenConnectionAsync(Cancellation));
            text = await AskAsync(all[^1], $"SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%\"{schema}\".% AND name < $2'");
        }
        NpgsqlConnection connection = all[^1];
        await AskAsync(connection, $"SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; PREPARE names AS {text}");
        List<string> plan = [];
        await using var explain = new NpgsqlCommand("EXPLAIN EXECUTE names('a', 'b')", connection);
        await using (NpgsqlDataReader row = await explain.ExecuteReaderAsync(Cancellation))
            while (await row.ReadAsync(Cancellation)) plan.Add(row.GetString(0));
        foreach (NpgsqlConnection one in all) await one.DisposeAsync();
        Assert.Contains(plan, static line => line.Contains("Index Cond: ((name >= $1) AND (name < $2))", StringComparison.Ordinal));

        static async Task<object?> AskAsync(NpgsqlConnection connection, string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            return await command.ExecuteScalarAsync(Cancellation);
        }
    }
}
