namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>What cannot be followed is refused by name; what changes under a source fails by name. No row is skipped silently.</summary>
public class TableMistakeTests
{
    [Theory]
    [InlineData("", "id", "there is no table orders in the database lab")]
    [InlineData("CREATE VIEW orders AS SELECT 1 AS id", "id", "public.orders is not a table")]
    [InlineData("CREATE TABLE orders(id int PRIMARY KEY, note text)", "number", "has no column 'number', but id, note.")]
    [InlineData("CREATE TABLE orders(id int, note text)", "id", "rows may have the same id, and the table has no primary key")]
    [InlineData("CREATE TABLE orders(id uuid PRIMARY KEY DEFAULT gen_random_uuid())", "id", "the values of 'id' are random")]
    [InlineData("CREATE TABLE orders(day date, id uuid PRIMARY KEY)", "day", "the column 'day' is a date: many rows share a value")]
    [InlineData("CREATE TABLE orders(at timestamptz(3), id uuid PRIMARY KEY)", "at", "is a timestamp(3) with time zone: many rows share")]
    [InlineData("CREATE SEQUENCE s CACHE 20; CREATE TABLE orders(id bigint PRIMARY KEY DEFAULT nextval('s'))", "id", "has CACHE 20")]
    [InlineData("CREATE TABLE orders(id int GENERATED ALWAYS AS IDENTITY (CYCLE) PRIMARY KEY)", "id", "counts down or starts again")]
    public async Task ATableThatCannotBeFollowedIsRefused(string create, string after, string why)
    {
        await using SourceLab lab = await SourceLab.StartAsync(create);
        Assert.Contains(why, await FailAsync(lab, after), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AUserWithoutTheRightIsTold()
    {
        await using SourceLab lab = await SourceLab.StartAsync();
        await SharedServer.Current.Server.AskAsync("SELECT 1");
        await lab.RunAsync("CREATE TABLE orders(id int PRIMARY KEY); REVOKE ALL ON orders FROM sluice");
        Assert.Contains("the user may not read the table public.orders: GRANT SELECT ON public.orders", await FailAsync(lab),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMissingIndexIsWarnedAboutOnce()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id int PRIMARY KEY, created timestamptz NOT NULL)");
        await lab.AcceptAsync(lab.Table("created"));
        Assert.Contains("has no index that begins with the column created: each look reads the whole table. CREATE INDEX CONCURRENTLY ON "
            + "public.orders (\"created\", \"id\").", Assert.Single(lab.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AColumnOfLocalTimesIsWarnedAbout()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id int PRIMARY KEY, created timestamp NOT NULL); "
            + "CREATE INDEX ON orders(created)");
        await lab.AcceptAsync(lab.Table("created"));
        Assert.Contains("the column 'created' is a timestamp without time zone. If its values are local times, those of an hour are "
            + "repeated each autumn", Assert.Single(lab.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ALTER TABLE orders RENAME TO old_orders", "there is no table orders")]
    [InlineData("DROP TABLE orders; CREATE TABLE orders(id bigserial PRIMARY KEY)", "dropped and created again, and has no row with id = "
        + "3")]
    [InlineData("TRUNCATE orders RESTART IDENTITY", "has gone back to 0: the producer 'orders' has seen it at 3")]
    [InlineData("ALTER TABLE orders RENAME id TO number", "has no column 'id', but number")]
    [InlineData("ALTER TABLE orders ALTER id DROP DEFAULT, ALTER id TYPE text COLLATE \"C\"", "is of the columns id bigint, and the table "
        + "public.orders is followed by id text")]
    public async Task ATableThatWasChangedBetweenTwoRunsIsNoticed(string change, string why)
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id bigserial PRIMARY KEY)");
        await lab.RunAsync("INSERT INTO orders SELECT FROM generate_series(1, 3)");
        await lab.AcceptAsync(lab.Table());
        await lab.RunAsync(change);
        Assert.Contains(why, await FailAsync(lab), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ATruncatedOrRestoredTableGoesOn()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id bigserial PRIMARY KEY)");
        await lab.RunAsync("INSERT INTO orders SELECT FROM generate_series(1, 3)");
        await lab.AcceptAsync(lab.Table());
        await lab.RunAsync("CREATE TABLE copy(id bigserial PRIMARY KEY); INSERT INTO copy SELECT * FROM orders; "
            + "SELECT setval('copy_id_seq', 3); DROP TABLE orders; ALTER TABLE copy RENAME TO orders; INSERT INTO orders DEFAULT VALUES");
        await lab.AcceptAsync(lab.Table());
        Assert.Contains("was created again, and has the row that was accepted last (id = 3): the source goes on behind it.",
            Assert.Single(lab.Warnings), StringComparison.Ordinal);
        await lab.RunAsync("TRUNCATE orders; INSERT INTO orders DEFAULT VALUES");
        await lab.AcceptAsync(lab.Table());
        Assert.Equal(["1", "2", "3", "4", "5"], await lab.AcceptedAsync());
    }

    /// <summary>A sequence that was set has no last number until it gives the next one.</summary>
    [Theory]
    [InlineData("ALTER TABLE orders ALTER id RESTART WITH 1000", "1000")]
    [InlineData("SELECT setval('orders_id_seq', 4, false)", "4")]
    [InlineData("SELECT setval('orders_id_seq', 3, false)", null)]
    [InlineData("ALTER TABLE orders ALTER id RESTART", null)]
    public async Task ASequenceThatIsSetForwardGoesOnAndOneThatIsSetBackIsNoticed(string change, string? next)
    {
        await using SourceLab lab = await SourceLab.StartAsync(
            "CREATE TABLE orders(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text)");
        await lab.RunAsync("INSERT INTO orders(note) VALUES('a'), ('b'), ('c')");
        await lab.AcceptAsync(lab.Table());
        await lab.RunAsync(change);
        if (next is null)
        {
            Assert.Contains("The sequence of public.orders.id has gone back to ", await FailAsync(lab), StringComparison.Ordinal);
            return;
        }
        await lab.AcceptAsync(lab.Table());
        await lab.RunAsync("INSERT INTO orders(note) VALUES('d')");
        await lab.AcceptAsync(lab.Table());
        Assert.Equal(["1", "2", "3", next], await lab.AcceptedAsync());
    }

    /// <summary>A client that prepares statements has the columns of before in them.</summary>
    [Fact]
    public async Task AColumnThatIsAddedEndsNoRunWhoseConnectionsPrepareStatements()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id int PRIMARY KEY, note text)");
        await using var database = Npgsql.NpgsqlDataSource.Create($"{lab.Address};Max Auto Prepare=20;Auto Prepare Min Usages=2");
        var seen = new System.Collections.Concurrent.ConcurrentQueue<int>();
        await using PipelineRun run = (PostgresSource.Table("orders", database, "orders", "id", static row => row.GetInt32(0),
            new() { OnWarning = lab.Warnings.Enqueue }) | seen.Enqueue).Start();
        for (int id = 1; id <= 6; id++)
        {
            if (id == 5) await lab.RunAsync("ALTER TABLE orders ADD more text");
            await lab.RunAsync($"INSERT INTO orders VALUES({id})");
            await ChangesLab.UntilAsync(run.Completion, () => Task.FromResult(seen.Count == id));
        }
        Assert.True(await run.StopAsync());
        Assert.Empty(lab.Warnings);
    }

    [Fact]
    public async Task ALookThatTakesTooLongIsSaidToBeOne()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id int PRIMARY KEY); INSERT INTO orders VALUES(1)");
        await using var database = Npgsql.NpgsqlDataSource.Create($"{lab.Address};Command Timeout=1");
        await using Npgsql.NpgsqlConnection other = await lab.Database.OpenConnectionAsync();
        await TableTests.RunAsync(other, "BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
        Task accepting = lab.AcceptAsync(PostgresSource.Table("orders", database, "orders", "id", static row => $"{row["id"]}",
            new() { PollInterval = null, OnWarning = lab.Warnings.Enqueue }));
        await ChangesLab.UntilAsync(accepting, () => Task.FromResult(!lab.Warnings.IsEmpty));
        await TableTests.RunAsync(other, "ROLLBACK");
        await accepting;
        Assert.Contains("it has not ended a statement within the Command Timeout", lab.Warnings.First(), StringComparison.Ordinal);
        Assert.Equal(["1"], await lab.AcceptedAsync());
    }

    /// <summary>A mistake in the settings is not an outage that passes.</summary>
    [Fact]
    public async Task AServerWithoutTlsIsNotWaitedFor()
    {
        await using SourceLab lab = await SourceLab.StartAsync();
        string address = $"{lab.Address};SSL Mode=Require";
        await using var database = Npgsql.NpgsqlDataSource.Create(address);
        using var late = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        foreach (Source<string> source in (Source<string>[])[PostgresSource.Table("orders", database, "orders", "id",
            static row => row.GetString(0)), PostgresSource.Changes("orders", address, "shop", ChangesLab.Text)])
        {
            var failure = await Assert.ThrowsAsync<PipelineException>(() => lab.AcceptAsync(source, cancellation: late.Token));
            Assert.Contains("has no TLS connection to the PostgreSQL server: the server does not offer TLS to this host.",
                failure.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("ALTER TABLE orders RENAME TO old_orders", "is called public.old_orders now")]
    [InlineData("ALTER TABLE orders RENAME TO old_orders; CREATE TABLE orders(id int PRIMARY KEY)", "is called public.old_orders now")]
    [InlineData("DROP TABLE orders", "which the producer 'orders' follows, was dropped")]
    [InlineData("ALTER TABLE orders DROP COLUMN id", "column t.id does not exist")]
    public async Task ATableThatChangesWhileItIsFollowedFailsTheRun(string change, string why)
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id int PRIMARY KEY, note text)");
        await lab.RunAsync("INSERT INTO orders VALUES(1)");
        var seen = new TaskCompletionSource();
        await using PipelineRun run = (lab.Table(options: new()) | (_ => { seen.TrySetResult(); })).Start();
        await seen.Task;
        await lab.RunAsync(change);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARowThatCannotBeAnItemAndALongKeyAreNamed()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id text PRIMARY KEY)");
        await lab.RunAsync("INSERT INTO orders VALUES('a'), ('b'), (repeat('c', 2500))");
        Source<int> source = PostgresSource.Table("orders", lab.Database, "orders", "id", static row => row.GetString(0) == "b"
            ? throw new FormatException("not b") : 1, new() { PollInterval = null, OnWarning = lab.Warnings.Enqueue });
        var failure = await Assert.ThrowsAsync<PipelineException>(() => (source | (static _ => { })).RunAsync());
        Assert.Contains("could make no item of the row of public.orders with id = b: not b", failure.Message, StringComparison.Ordinal);
        Assert.Contains("the values are too long (2,", await FailAsync(lab), StringComparison.Ordinal);
        Assert.Equal(["a", "b"], await lab.AcceptedAsync());
    }

    private static async Task<string> FailAsync(SourceLab lab, string after = "id")
        => (await Assert.ThrowsAsync<PipelineException>(() => lab.AcceptAsync(lab.Table(after)))).Message;
}
