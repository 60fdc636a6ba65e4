using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Rows of one statement are written together, with the result that one statement for each row would have had.</summary>
public sealed class SinkBatchTests(SharedServer server) : IAsyncLifetime
{
    private const string Columns = "b bool, i2 smallint, i4 int, i8 bigint, f4 real, f8 double precision, n numeric, t text, v varchar(9), "
        + "j jsonb, y bytea, u uuid, d date, h time, p interval, z timestamptz, s timestamp, e int[]";

    private const string Row = "VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12, $13, $14, $15, $16, $17, $18)";

    private readonly string schema = SharedServer.NewSchema();
    private PostgresStreamStore? opened;
    private Ownership owner;
    private long commits;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        opened = await PostgresStreamStore.OpenAsync(server.Address, new() { Schema = schema }, Cancellation);
        await opened.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        var group = new GroupId("orders", "main");
        await opened.AddGroupAsync(group, cancellation: Cancellation);
        owner = (await opened.AcquireAsync(group, 0, new("a"), Cancellation)).Ownership;
    }

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await opened.DisposeAsync();
    }

    /// <summary>With a comment in it, a statement is left as it is.</summary>
    [Fact]
    public async Task ValuesOfAllTypesAndNullsAreTheSameTogetherAndOneByOne()
    {
        await MakeAsync("one", Columns);
        await MakeAsync("many", Columns);
        PostgresWrites one = new(), many = new();
        for (int i = 0; i < 500; i++)
        {
            // Columns of nulls only, rows of nulls only, arrays, and numbers of another type than their neighbours.
            object?[] row = i % 7 == 3 ? new object?[18] : Values(i);
            if (i is > 100 and < 120) row[7] = null;
            if (i == 50) row[3] = i;
            if (i != 300) row[17] = null;
            one.Add($"INSERT INTO {schema}.one {Row} /* one by one */", row);
            many.Add($"INSERT INTO {schema}.many {Row}", row);
        }
        await CommitAsync(one, many);
        Assert.Equal(500L, await AskAsync($"SELECT count(*) FROM {schema}.many"));
        Assert.Equal(0L, await AskAsync($"SELECT count(*) FROM (SELECT * FROM {schema}.one EXCEPT ALL SELECT * FROM {schema}.many) x"));
        Assert.Equal(500L, await AskAsync($"SELECT count(*) FROM {schema}.one_log"));
        // The number of another type and the array interrupt the groups.
        Assert.Equal(5L, await AskAsync($"SELECT count(*) FROM {schema}.many_log"));
    }

    [Theory]
    [InlineData("(id, n) VALUES ($1, $2)", 1)]
    [InlineData("VALUES($2, $1::int)", 1)]
    [InlineData("AS x VALUES($1, 5) ON CONFLICT (id) DO UPDATE SET n = excluded.n", 1)]
    [InlineData("(\"id\") VALUES ($1) ON CONFLICT DO NOTHING RETURNING n", 1)]
    [InlineData("(n, id) VALUES ($2::int, $1)", 1)]
    [InlineData("VALUES($1, (SELECT count(*) FROM pg_class))", 20)]
    [InlineData("VALUES($1, length('$2'))", 20)]
    [InlineData("VALUES($1, DEFAULT)", 20)]
    [InlineData("VALUES($1, 1) ON CONFLICT (id) DO UPDATE SET n = $2", 20)]
    [InlineData("SELECT $1, $2", 20)]
    [InlineData("VALUES($1, 1), ($2 + 1000, 2)", 20)]
    [InlineData("VALUES($1, 1) -- VALUES($1)", 20)]
    public async Task AStatementIsWrittenTogetherIfThatMeansTheSame(string rest, long statements)
    {
        await MakeAsync("t", "id int PRIMARY KEY, n int");
        string sql = $"INSERT INTO {schema}.t {rest}";
        var writes = new PostgresWrites();
        bool hasTwo = rest.Contains("$2", StringComparison.Ordinal) && !rest.Contains("'$2'", StringComparison.Ordinal);
        for (int i = 0; i < 20; i++)
            if (hasTwo) writes.Add(sql, i, i);
            else writes.Add(sql, i);
        await CommitAsync(writes);
        Assert.Equal(statements, await AskAsync($"SELECT count(*) FROM {schema}.t_log"));
        Assert.Equal(20L, await AskAsync($"SELECT count(*) FROM {schema}.t WHERE id < 1000"));
    }

    [Fact]
    public async Task ARowThatIsChangedTwiceIsChangedInOrder()
    {
        await MakeAsync("t", "id int PRIMARY KEY, n int");
        var writes = new PostgresWrites();
        for (int i = 0; i < 30; i++)
            writes.Add($"INSERT INTO {schema}.t VALUES($1, $2) ON CONFLICT (id) DO UPDATE SET n = excluded.n", i % 10, i);
        await CommitAsync(writes);
        Assert.Equal("20,21,22,23,24,25,26,27,28,29", await AskAsync($"SELECT string_agg(n::text, ',' ORDER BY id) FROM {schema}.t"));
    }

    [Fact]
    public async Task ARefusedRowOfAGroupIsNamed()
    {
        await MakeAsync("t", "id int PRIMARY KEY, n int CHECK (n < 1000)");
        PostgresWrites first = new(), second = new();
        for (int i = 0; i < 100; i++)
        {
            first.Add($"INSERT INTO {schema}.t VALUES($1, $2)", i, i);
            second.Add($"INSERT INTO {schema}.t VALUES($1, $2)", i + 100, i == 77 ? 1000 : 0);
        }
        var refused = await Assert.ThrowsAsync<ItemRejectedException>(() => CommitAsync(first, second));
        Assert.Equal((second, 77), (refused.Attachment, refused.Item));
        Assert.Contains("The row (177, 1000) was refused: new row for relation", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0L, await AskAsync($"SELECT count(*) FROM {schema}.t"));
    }

    private static object?[] Values(int i) => [i % 2 == 0, (short)i, i, (long)i << 33, i / 3f, i / 3d, i / 8m, $"text '{i}' \\ é😀",
        $"v{i}", $"{{\"n\": {i}}}", new byte[] { (byte)i, 0, 255 }, new Guid(i, 0, 0, new byte[8]), new DateOnly(2026, 1, 1).AddDays(i),
        new TimeOnly(i % 24, 5), TimeSpan.FromSeconds(i),
        i % 2 == 0 ? new DateTimeOffset(2026, 1, 1, 0, 0, i % 60, TimeSpan.FromHours(2))
            : new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc),
        new DateTime(2026, 1, 1).AddSeconds(i), new int[] { i, 2 }];

    /// <summary>A table, and beside it one with a row for each statement that has written it.</summary>
    private async Task MakeAsync(string table, string columns)
    {
        foreach (string text in (string[])[$"CREATE TABLE {schema}.{table}({columns})", $"CREATE TABLE {schema}.{table}_log(x int)",
            $"CREATE FUNCTION {schema}.{table}_count() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                + $"INSERT INTO {schema}.{table}_log VALUES(1); RETURN NULL; END $$",
            $"CREATE TRIGGER c AFTER INSERT ON {schema}.{table} FOR EACH STATEMENT EXECUTE FUNCTION {schema}.{table}_count()"])
        {
            await using Npgsql.NpgsqlCommand command = server.Direct.CreateCommand(text);
            await command.ExecuteNonQueryAsync(Cancellation);
        }
    }

    private async Task CommitAsync(params PostgresWrites[] writes)
    {
        StoreCommit commit = new(owner, ++commits) { FileLengths = [new("file", commits)], Attachments = writes };
        CommitResult result = await opened!.CommitAsync(commit, Cancellation);
        Assert.Equal(CommitStatus.Committed, result.Status);
    }

    private Task<object?> AskAsync(string text) => server.Server.AskAsync(text);
}
