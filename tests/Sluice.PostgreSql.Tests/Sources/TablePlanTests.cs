using Npgsql;
using Sluice.PostgreSql.Sources;

namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>What a source runs at each look reads a few rows of the table, however many there are.</summary>
public class TablePlanTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("timestamptz NOT NULL", false)]
    [InlineData("timestamptz", false)]
    [InlineData("timestamp NOT NULL", false)]
    [InlineData("timestamptz NOT NULL", true)]
    public async Task ALookAtATableByTimeUsesTheIndex(string type, bool isQuiet)
    {
        await using SourceLab lab = await SourceLab.StartAsync($"CREATE TABLE orders(id int PRIMARY KEY, created {type}); "
            + "INSERT INTO orders SELECT n, now() - n * interval '1 second' FROM generate_series(1, 50000) n; "
            + "CREATE INDEX recent ON orders(created, id); ANALYZE orders");
        var options = new PostgresTableOptions { QuietDuration = isQuiet ? TimeSpan.FromHours(1) : TimeSpan.Zero };
        var server = new SourceServer("orders", lab.Database, lab.Warnings.Enqueue, TimeProvider.System);
        await using NpgsqlConnection connection = await lab.Database.OpenConnectionAsync(Cancellation);
        TableShape shape = await new TableCatalog(server, "orders", ["created"]).ReadAsync(connection, Cancellation);
        var looker = new TableLooker(server, shape, "orders", options);

        await IsQuickAsync(looker.State(), command => command.With("orders").With(0L));
        await IsQuickAsync(looker.Bound(isBehind: false), static _ => { });
        await IsQuickAsync(looker.Bound(isBehind: true), static command => TableLooker.Add(command, ["2000-01-01", "1"]));
        Assert.DoesNotContain(lab.Warnings, static text => !text.Contains("is a timestamp without time zone", StringComparison.Ordinal));

        async Task IsQuickAsync(string statement, Action<NpgsqlBatchCommand> add)
        {
            await using NpgsqlBatch batch = connection.CreateBatch();
            NpgsqlBatchCommand command = new($"EXPLAIN (ANALYZE, TIMING OFF) {statement}");
            add(command);
            batch.BatchCommands.Add(command);
            List<string> plan = [];
            await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(Cancellation);
            while (await rows.ReadAsync(Cancellation)) plan.Add(rows.GetString(0));
            Assert.DoesNotContain(plan, static line => line.Contains("Seq Scan on orders", StringComparison.Ordinal));
            Assert.DoesNotContain(plan, static line => line.Contains("Rows Removed by Filter", StringComparison.Ordinal));
            Assert.Contains(plan, static line => line.Contains("using recent on orders", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(null, 0, 1)]
    [InlineData(null, 5, 5)]
    [InlineData(false, 0, 1)]
    [InlineData(true, 0, 0)]
    public void ATimeThatTheInsertAssignsNeedsNoReserve(bool? isByInsert, int quiet, int expected)
    {
        var shape = new TableShape(1, "orders", [new("at", "timestamp with time zone", false, false, 0)]);
        var looker = new TableLooker(null!, shape, "orders",
            new() { IsAssignedByInsert = isByInsert, QuietDuration = TimeSpan.FromSeconds(quiet) });
        Assert.Equal(TimeSpan.FromSeconds(expected), looker.MinAge);
    }
}
