using Npgsql;

namespace Sluice.PostgreSql.Tests.Sources;

/// <summary><c>Source.Query</c> over Npgsql: keys of PostgreSQL's types, resumed after each row, and a connection that is lost.</summary>
public class QueryTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, object> Keys => new()
    {
        { "bigint", "(9223372036854775807), (-5), (3)", long.MinValue },
        { "int", "(7), (-5), (3)", -100 },
        { "numeric(30, 10)", "(100000000.0000000001), (0.5), (-1)", decimal.MinValue },
        { "uuid", "('ffffffff-8694-739b-aea5-966c26f8ad91'), ('0190163d-8694-739b-aea5-966c26f8ad91'), "
            + "('0190163d-8694-739b-aea5-966c26f8ad90'), ('80000000-0000-0000-0000-000000000000')", Guid.Empty },
        { "timestamptz", "('2026-01-01 00:00:00.000001+00'), ('2026-01-01 00:00+00'), ('1999-12-31 23:59:59.999999+05')",
            DateTime.MinValue },
        { "timestamptz", "('2026-01-01 00:00:00.000001+00'), ('2026-01-01 00:00+00')", DateTimeOffset.MinValue },
        { "timestamp", "('2026-01-01 00:00:00.000001'), ('2026-01-01 00:00')", DateTime.MinValue },
        { "text COLLATE \"C\"", "('b'), ('B'), ('é'), ('\U0001F600'), ('\uFFFD'), (' ')", "" },
        { "bytea", @"('\x00ff'), ('\xff'), ('\x01')", Array.Empty<byte>() },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public async Task AQueryResumesBehindKeysOfEachType(string type, string rows, object start)
    {
        await using SourceLab lab = await SourceLab.StartAsync($"CREATE TABLE orders(id {type} PRIMARY KEY); INSERT INTO orders "
            + $"VALUES{rows}");
        Source<string> source = Source.Query("orders", lab.Database.CreateConnection,
            "SELECT id, id::text AS shown FROM orders WHERE id > @id ORDER BY id LIMIT "
                + "@take", [new("id", start)], static row => row.GetString(1),
            new() { MaxPageRows = 2 });
        for (int i = 0; i < 7; i++) await lab.AcceptAsync(source, 1);
        Assert.Equal((string)(await lab.AskAsync("SELECT string_agg(id::text, '|' ORDER BY id) FROM orders"))!,
            string.Join('|', await lab.AcceptedAsync()));
    }

    [Fact]
    public async Task ACompositeKeyResumesInTheMiddleOfEqualTimes()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id int, changed timestamptz); "
            + "INSERT INTO orders SELECT n, '2026-01-01'::timestamptz + (n % 3) * interval '1 second' FROM generate_series(1, 20) n");
        Source<string> source = Source.Query("orders", lab.Database.CreateConnection,
            "SELECT id, changed FROM orders WHERE (changed, id) > (@changed, @id) ORDER BY changed, id LIMIT @take",
            [new("changed", DateTime.MinValue), new("id", 0)], static row => $"{row.GetInt32(0)}", new() { MaxPageRows = 3 });
        for (int i = 0; i < 10; i++) await lab.AcceptAsync(source, 2);
        await lab.AcceptAsync(source);
        Assert.Equal((string)(await lab.AskAsync("SELECT string_agg(id::text, '|' ORDER BY changed, id) FROM orders"))!,
            string.Join('|', await lab.AcceptedAsync()));
    }

    [Theory]
    [InlineData("SELECT id FROM orders WHERE id > @id ORDER BY id DESC LIMIT @take", "rows must ascend by their key")]
    [InlineData("SELECT id FROM orders WHERE id >= @id ORDER BY id LIMIT @take", "fails behind the row with id = 'c': the next row has id "
        + "= 'c'")]
    [InlineData("SELECT id FROM orders WHERE id > @id ORDER BY id COLLATE \"en-x-icu\" LIMIT @take", "rows must ascend by their key")]
    [InlineData("SELECT id FROM nowhere WHERE id > @id ORDER BY id LIMIT @take", "relation \"nowhere\" does not exist")]
    public async Task AWrongOrderIsNoticed(string sql, string why)
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id text COLLATE \"C\" PRIMARY KEY); "
            + "INSERT INTO orders VALUES(' '), ('a'), ('B'), ('c')");
        Source<string> source = Source.Query("orders", lab.Database.CreateConnection, sql, [new("id", "")], static row => row.GetString(0),
            new() { MaxPageRows = 10 });
        var failure = await Assert.ThrowsAsync<PipelineException>(() => lab.AcceptAsync(source.Take(20)));
        Assert.Contains("The query of 'orders' fails", failure.Message, StringComparison.Ordinal);
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AConnectionThatIsLostFailsByNameAndTheNextRunGoesOn()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id int PRIMARY KEY); "
            + "INSERT INTO orders SELECT generate_series(1, 10)");
        bool isKilling = true;
        Source<string> source = Source.Query("orders", lab.Database.CreateConnection,
            "SELECT id, pg_terminate_backend(CASE WHEN @kill AND id = 6 THEN pg_backend_pid() ELSE 0 END) FROM orders WHERE id > @id "
                + "ORDER BY id LIMIT @take", [new("id", 0)], static row => $"{row.GetInt32(0)}", new()
                {
                    MaxPageRows = 2,
                    Configure = command => command.Parameters.Add(new NpgsqlParameter("kill", isKilling))
                });
        var failure = await Assert.ThrowsAsync<PipelineException>(() => lab.AcceptAsync(source));
        Assert.Contains("The query of 'orders' fails behind the row with id = ", failure.Message, StringComparison.Ordinal);
        isKilling = false;
        await lab.AcceptAsync(source);
        Assert.Equal(Enumerable.Range(1, 10).Select(static id => $"{id}"), await lab.AcceptedAsync());
    }

    [Fact]
    public async Task AHundredThousandRowsAreReadInPages()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id bigint PRIMARY KEY, note text); "
            + "INSERT INTO orders SELECT n, repeat('x', 1000) FROM generate_series(1, 100000) n");
        await SourceLab.IsReadInPagesAsync(Source.Query("orders", lab.Database.CreateConnection,
            "SELECT id, note FROM orders WHERE id > @id ORDER BY id LIMIT @take", [new("id", 0L)],
            static row => (row.GetInt64(0), row.GetString(1))));
    }
}
