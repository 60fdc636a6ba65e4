using System.Collections.Concurrent;
using Npgsql;
using Sluice.Testing;

namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>Rows of a growing table as items: each once, in order, whatever the order of the commits.</summary>
public class TableTests
{
    private const string Serial = "CREATE TABLE orders(id bigserial PRIMARY KEY, note text)";
    private const string Timed = "CREATE TABLE orders(note text, created timestamptz NOT NULL DEFAULT now(), id uuid PRIMARY KEY "
        + "DEFAULT gen_random_uuid()); CREATE INDEX ON orders(created, id)";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string[] Ids(int count) => [.. Enumerable.Range(1, count).Select(static id => $"{id}")];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public async Task EachRowIsAcceptedOnceOverSeveralRuns(int page)
    {
        await using SourceLab lab = await SourceLab.StartAsync(Serial);
        var options = new PostgresTableOptions { PollInterval = null, MaxPageRows = page };
        for (int taken = 0; taken < 10; taken++)
        {
            await lab.RunAsync("INSERT INTO orders SELECT FROM generate_series(1, 2)");
            await lab.AcceptAsync(lab.Table(options: options), 1);
        }
        await lab.AcceptAsync(lab.Table(options: options));
        await lab.AcceptAsync(lab.Table(options: options));
        Assert.Equal(Ids(20), await lab.AcceptedAsync());
        Assert.Empty(lab.Warnings);
    }

    /// <summary>Types whose values keep their text and their order.</summary>
    [Theory]
    [InlineData("integer", "bigint", true)]
    [InlineData("bigint", "numeric", true)]
    [InlineData("numeric(10,2)", "numeric(12,3)", true)]
    [InlineData("numeric(10,2)", "numeric(10,1)", false)]
    [InlineData("numeric(10,2)", "bigint", false)]
    [InlineData("varchar(20)", "text", true)]
    [InlineData("bigint", "text", false)]
    public async Task ASourceGoesOnByAColumnWhoseTypeKeepsTheOrder(string before, string after, bool goesOn)
    {
        await using SourceLab lab = await SourceLab.StartAsync($"CREATE TABLE orders(id {before} PRIMARY KEY); "
            + "INSERT INTO orders SELECT n::text::" + before + " FROM generate_series(1, 3) n");
        await lab.AcceptAsync(lab.Table());
        await lab.RunAsync($"ALTER TABLE orders ALTER id TYPE {after}; "
            + $"INSERT INTO orders SELECT n::text::{after} FROM generate_series(4, 5) n");
        Task accepting = lab.AcceptAsync(lab.Table());
        if (goesOn) await accepting;
        else Assert.Contains("it cannot go on by others", $"{await Assert.ThrowsAnyAsync<Exception>(() => accepting)}",
            StringComparison.Ordinal);
        Assert.Equal(goesOn ? 5 : 3, (await lab.AcceptedAsync()).Length);
    }

    /// <summary>A row with a lower value is committed after a row with a higher one, which was there when the source looked.</summary>
    [Theory]
    [InlineData(Serial, "id", "INSERT INTO orders(note) VALUES('late')", "SELECT 1")]
    [InlineData(Serial, "id", "SELECT nextval('orders_id_seq')", "INSERT INTO orders VALUES(currval('orders_id_seq'), 'late')")]
    [InlineData(Timed, "created", "SELECT now()", "INSERT INTO orders(note) VALUES('late')")]
    [InlineData("CREATE TABLE orders(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text)", "id",
        "INSERT INTO orders(note) VALUES('late')", "SELECT 1")]
    [InlineData("CREATE TABLE orders(id bigserial, note text, PRIMARY KEY(id, note)) PARTITION BY LIST(note); "
        + "CREATE TABLE late PARTITION OF orders FOR VALUES IN ('late'); CREATE TABLE early PARTITION OF orders DEFAULT", "id",
        "INSERT INTO late(note) VALUES('late')", "SELECT 1", true)]
    public async Task ARowThatIsCommittedLateIsNotSkipped(string create, string after, string first, string second, bool isByInsert = false)
    {
        await using SourceLab lab = await SourceLab.StartAsync(create);
        await using NpgsqlConnection slow = await lab.Database.OpenConnectionAsync(Cancellation);
        await using NpgsqlTransaction transaction = await slow.BeginTransactionAsync(Cancellation);
        await RunAsync(slow, first);
        await lab.RunAsync("INSERT INTO orders(note) VALUES('early')");

        var clock = new TestClock();
        var seen = new ConcurrentQueue<string>();
        await using PipelineRun run = (PostgresSource.Table("orders", lab.Database, "orders", after,
            static row => row.GetString(row.GetOrdinal("note")), new()
            {
                Time = clock,
                OnWarning = lab.Warnings.Enqueue,
                IsAssignedByInsert = isByInsert ? true : null
            })
            | seen.Enqueue).Start(cancellation: Cancellation);
        await SourceLab.UntilAsync(clock, run.Completion, () => !lab.Warnings.IsEmpty || !seen.IsEmpty);
        // On a busy server another process may have had a transaction open, too.
        Assert.Matches($"transactions? that (was|were) open before them may still commit rows with lower values: .*{slow.ProcessID}",
            Assert.Single(lab.Warnings));
        Assert.Empty(seen);
        await RunAsync(slow, second);
        await transaction.CommitAsync(Cancellation);
        await SourceLab.UntilAsync(clock, run.Completion, () => seen.Count == 2);
        Assert.Equal(["late", "early"], seen);
        Assert.Contains("are read again", lab.Warnings.Last(), StringComparison.Ordinal);
        Assert.True(await run.StopAsync());
    }

    [Theory]
    [InlineData("GENERATED ALWAYS", false)]
    [InlineData("GENERATED BY DEFAULT", true)]
    public async Task ATransactionThatDoesNotWriteToTheTableHoldsUpNothing(string kind, bool isTold)
    {
        await using SourceLab lab = await SourceLab.StartAsync($"CREATE TABLE orders(id int {kind} AS IDENTITY PRIMARY KEY, note text); "
            + "CREATE TABLE other(n int)");
        await lab.RunAsync("INSERT INTO orders(note) VALUES('a'), ('b')");
        await using NpgsqlConnection slow = await lab.Database.OpenConnectionAsync(Cancellation);
        await using NpgsqlTransaction transaction = await slow.BeginTransactionAsync(Cancellation);
        await RunAsync(slow, "INSERT INTO other VALUES(1)");
        await lab.AcceptAsync(lab.Table(options: new() { PollInterval = null, IsAssignedByInsert = isTold ? true : null }));
        Assert.Equal(Ids(2), await lab.AcceptedAsync());
    }

    [Fact]
    public async Task RowsWithoutAValueOrInTheFutureAreReadWhenTheirTimeHasCome()
    {
        await using SourceLab lab = await SourceLab.StartAsync(
            "CREATE TABLE orders(id int PRIMARY KEY, published timestamptz); CREATE INDEX ON orders(published)");
        await lab.RunAsync("INSERT INTO orders VALUES(1, null), (2, now() - interval '3 hours'), (3, '2100-01-01'), (4, null)");
        await lab.AcceptAsync(lab.Table("published"));
        await lab.RunAsync("UPDATE orders SET published = now() - interval '2 hours' WHERE id IN (1, 3)");
        await lab.AcceptAsync(lab.Table("published"));
        Assert.Equal(["2", "1", "3"], await lab.AcceptedAsync());
        Assert.Contains("has rows without a value in published", lab.Warnings.First(), StringComparison.Ordinal);
        await lab.RunAsync("UPDATE orders SET published = 'infinity' WHERE id = 2; "
            + "UPDATE orders SET published = now() - interval '1 hour' WHERE id = 4");
        await lab.AcceptAsync(lab.Table("published"));
        Assert.Equal(["4"], await lab.AcceptedAsync());
        Assert.Contains("has rows whose published is in the future", lab.Warnings.Last(), StringComparison.Ordinal);
    }

    /// <summary>A transaction has its time a moment before another session can see that it is open.</summary>
    [Theory]
    [InlineData("timestamptz", "at")]
    [InlineData("timestamp", "at")]
    [InlineData("timestamp", "at", "America/New_York")]
    [InlineData("timestamptz", "day, at")]
    public async Task ARowByTimeIsReadASecondAfterItsTime(string type, string order, string zone = "UTC")
    {
        await using SourceLab lab = await SourceLab.StartAsync(
            $"CREATE TABLE orders(id int PRIMARY KEY, at {type} NOT NULL DEFAULT now(), day date DEFAULT now(), "
                + "made timestamptz DEFAULT now()); CREATE INDEX ON orders(at, id)");
        await using NpgsqlDataSource database = NpgsqlDataSource.Create($"{lab.Address};Timezone=UTC");
        TimeSpan age = default;
        Source<string> source = PostgresSource.Table("orders", database, "orders", order, row =>
        {
            age = DateTime.UtcNow - row.GetDateTime(3);
            return $"{row["id"]}";
        }, new() { PollInterval = TimeSpan.FromMilliseconds(20), OnWarning = lab.Warnings.Enqueue });
        await lab.RunAsync($"SET timezone = '{zone}'; INSERT INTO orders VALUES(1)");
        await lab.AcceptAsync(source, 1);
        Assert.Equal(["1"], await lab.AcceptedAsync());
        Assert.InRange(age, TimeSpan.FromSeconds(1), TimeSpan.MaxValue);
    }

    [Fact]
    public async Task ARowOfADayThatHasNotComeHidesNone()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id int, day date, PRIMARY KEY(day, id))");
        // The day of a session one day west of Greenwich, where tomorrow is today.
        string today = (string)(await lab.AskAsync("SELECT (now() AT TIME ZONE 'UTC')::date::text"))!;
        await using NpgsqlDataSource west = NpgsqlDataSource.Create($"{lab.Address};Timezone=<W>24");
        Source<string> table = PostgresSource.Table("orders", west, "orders", "day, id", static row => $"{row["id"]}",
            new() { PollInterval = null, OnWarning = lab.Warnings.Enqueue });
        await lab.RunAsync($"INSERT INTO orders VALUES(1, date '{today}' - 2), (2, date '{today}' + 7), (3, 'infinity'), (6, '{today}')");
        await lab.AcceptAsync(table);
        await lab.RunAsync($"INSERT INTO orders VALUES(4, date '{today}' - 1)");
        await lab.AcceptAsync(table);
        await lab.RunAsync($"UPDATE orders SET day = date '{today}' - 1 WHERE id = 2; INSERT INTO orders VALUES(5, date '{today}' - 1)");
        await lab.AcceptAsync(table);
        Assert.Equal(["1", "4", "5"], await lab.AcceptedAsync());
        Assert.Contains("has rows whose day is in the future", lab.Warnings.First(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AValueAboveAllOthersIsWarnedOf()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id int PRIMARY KEY, value numeric)");
        await lab.RunAsync("INSERT INTO orders VALUES(1, 1), (2, 'NaN')");
        await lab.AcceptAsync(lab.Table("value"));
        Assert.Equal(["1", "2"], await lab.AcceptedAsync());
        Assert.Contains(lab.Warnings, static one => one.Contains("is NaN: rows that come later are", StringComparison.Ordinal));
        lab.Warnings.Clear();
        await lab.AcceptAsync(lab.Table("value"));
        Assert.Contains(lab.Warnings, static one => one.Contains("is NaN: rows that come later are", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("(day date, id int, PRIMARY KEY(day, id))", "day, id", "('2026-01-01', 2), ('2026-01-01', 1), ('2025-12-31', 9)", "9 1 2")]
    [InlineData("(name text COLLATE \"C\", id int PRIMARY KEY)", "name", "('b', 1), ('B', 2), ('b', 0), ('é', 3)", "2 0 1 3")]
    [InlineData("(value numeric(20, 10), id int PRIMARY KEY)", "value", "(0.5, 1), (-1, 2), (100000000.0000000001, 3)", "2 1 3")]
    [InlineData("(value float8, id int PRIMARY KEY)", "value", "(0.1, 1), (1e300, 2), (0.30000000000000004, 3)", "1 3 2")]
    [InlineData("(\"Wert, \"\" Eins\" int, id int PRIMARY KEY)", "id", "(1, 2), (2, 1)", "1 2")]
    [InlineData("(at timestamp, id int PRIMARY KEY)", "at", "('2001-01-01 00:00:00.000001', 1), ('2001-01-01', 2)", "2 1")]
    [InlineData("(key uuid UNIQUE NOT NULL, id int PRIMARY KEY)", "key", "('0190163d-8694-739b-aea5-966c26f8ad91', 2), "
        + "('0190163d-8694-739b-aea5-966c26f8ad90', 1)", "1 2")]
    public async Task ColumnsOfAnyTypeGiveTheOrder(string columns, string after, string rows, string expected)
    {
        await using SourceLab lab = await SourceLab.StartAsync($"CREATE TABLE orders{columns}; INSERT INTO orders VALUES{rows}");
        Source<string> source = PostgresSource.Table("orders", lab.Database, "orders", after, static row => $"{row["id"]}",
            new() { PollInterval = null, MaxPageRows = 1, OnWarning = lab.Warnings.Enqueue });
        await lab.AcceptAsync(source, 1);
        await lab.AcceptAsync(source);
        Assert.Equal(expected, string.Join(' ', await lab.AcceptedAsync()));
    }

    [Theory]
    [InlineData(4, false, "1a 1b 2a 2b 3a 3b")]
    [InlineData(5, false, "1a 1b 2a 2b 3a 3b")]
    [InlineData(4, true, "1a 1b 2a 2b")]
    [InlineData(5, true, "1a 1b 2a 2b 3a")]
    [InlineData(6, true, "1a 1b 2a 2b 3a 3b")]
    public async Task ARunResumesInTheMiddleOfARowAlsoIfTheRowIsGone(int accepted, bool isDeleted, string expected)
    {
        await using SourceLab lab = await SourceLab.StartAsync(Serial);
        await lab.RunAsync("INSERT INTO orders SELECT FROM generate_series(1, 3)");
        await lab.AcceptAsync(lab.Table() | Twice, accepted);
        if (isDeleted) await lab.RunAsync("DELETE FROM orders WHERE id = 3");
        await lab.RunAsync("INSERT INTO orders VALUES(4)");
        await lab.AcceptAsync(lab.Table() | Twice);
        Assert.Equal($"{expected} 4a 4b", string.Join(' ', await lab.AcceptedAsync()));
    }

    /// <summary>The count of accepted outputs of a row must not apply to the row behind it.</summary>
    [Fact]
    public async Task ARowInTheMiddleOfWhichARunResumesMayGoWhileTheSourceWaits()
    {
        await using SourceLab lab = await SourceLab.StartAsync(Serial);
        await lab.RunAsync("INSERT INTO orders SELECT FROM generate_series(1, 3)");
        await lab.AcceptAsync(lab.Table() | Twice, 5);
        await lab.RunAsync("INSERT INTO orders VALUES(4)");
        var clock = new TestClock();
        Task run;
        await using (NpgsqlConnection writer = await lab.Database.OpenConnectionAsync(Cancellation))
        {
            await using NpgsqlTransaction open = await writer.BeginTransactionAsync(Cancellation);
            await RunAsync(writer, "INSERT INTO orders VALUES(9)");
            run = lab.AcceptAsync(lab.Table(options: new() { PollInterval = null, Time = clock }) | Twice);
            await clock.WaitForTimersAsync(1, Cancellation);         // it waits for the transaction
            await lab.RunAsync("DELETE FROM orders WHERE id = 3");
        }
        await SourceLab.UntilAsync(clock, run, () => run.IsCompleted);
        await run;
        Assert.Equal("1a 1b 2a 2b 3a 4a 4b", string.Join(' ', await lab.AcceptedAsync()));
    }

    [Fact]
    public async Task ARowInTheMiddleOfWhichARunResumesMayBeHeldBackAgain()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id int PRIMARY KEY, published timestamptz)");
        await lab.RunAsync("INSERT INTO orders SELECT n, now() - interval '1 second' FROM generate_series(1, 2) n");
        var quiet = new PostgresTableOptions { PollInterval = TimeSpan.FromMilliseconds(20), QuietDuration = TimeSpan.FromSeconds(2.5) };
        await lab.AcceptAsync(lab.Table("published, id") | Twice, 3);
        await lab.RunAsync("INSERT INTO orders VALUES(3, now())");
        await lab.AcceptAsync(lab.Table("published, id", quiet) | Twice, 4);
        Assert.Equal("1a 1b 2a 2b 3a 3b", string.Join(' ', await lab.AcceptedAsync()));
    }

    [Fact]
    public async Task AHundredThousandRowsAreReadInPages()
    {
        await using SourceLab lab = await SourceLab.StartAsync(Serial);
        await lab.RunAsync("INSERT INTO orders SELECT n, repeat('x', 100) FROM generate_series(1, 100000) n");
        await SourceLab.IsReadInPagesAsync(PostgresSource.Table("orders", lab.Database, "orders", "id",
            static row => (row.GetInt64(0), row.GetString(1)), new() { PollInterval = null }));
    }

    internal static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private static IEnumerable<string> Twice(string id) => [$"{id}a", $"{id}b"];
}
