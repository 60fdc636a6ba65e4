using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Rows of the application's tables, in the commits of the store: each is written once, or its item is a dead letter.</summary>
public sealed partial class SinkTests(SharedServer server) : IAsyncLifetime
{
    private readonly string schema = SharedServer.NewSchema();
    private readonly EmptiedSchema place = EmptiedSchema.Rent(server.Address);
    private PostgresStreamStore? opened;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PostgresStreamStore Store => opened!;

    private string Create => $"CREATE TABLE IF NOT EXISTS {schema}.word(text text NOT NULL UNIQUE, length int CHECK (length < 100), "
        + "doc jsonb)";

    private string Write => $"INSERT INTO {schema}.word VALUES($1, $2, $3::jsonb)";

    public async ValueTask InitializeAsync()
    {
        await server.Server.AskAsync($"CREATE SCHEMA {schema} AUTHORIZATION sluice");
        opened = await PostgresStreamStore.OpenAsync(place.Connections, new() { Schema = place.Name }, Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await opened.DisposeAsync();
        await place.ReturnAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ARefusedRowBecomesADeadLetterAndTheOthersAreWritten(bool hasKeys)
    {
        await RunAsync(Create, $"CREATE FUNCTION {schema}.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.text = 'w240' THEN "
            + "RAISE EXCEPTION 'this word is closed' USING ERRCODE = 'MY001'; END IF; RETURN NEW; END $$",
            $"CREATE TRIGGER look BEFORE INSERT ON {schema}.word FOR EACH ROW EXECUTE FUNCTION {schema}.look()");
        await using Consecutor<int> words = Words(Store, PostgresSink.InStore<int>(Write, Row, Create), hasKeys);
        await words.SendAllAsync([.. Enumerable.Range(0, 300)], Cancellation);
        await words.StartAsync(Cancellation);
        ConsecutorSnapshot end = await words.WaitForIdleAsync(Cancellation);
        Assert.Equal((292L, 8L, 0L, null), (end.Completed, end.Dead, end.Unaccounted, end.Problem));
        DeadLetter[] letters = [.. (await words.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation))
            .OrderBy(static letter => letter.Item)];
        string[] why = ["(NULL, 1, NULL) was refused: null value in column \"text\"", "('w60', 100, NULL) was refused: new row",
            "('w90', 4000000000, NULL) was refused: integer out of range", "('w1', 1, NULL) was refused: duplicate key",
            "('w150', 1, '{') was refused: invalid input syntax for type json", "is a text with the character U+0000 at 4",
            "…', 1, NULL) was refused: index row ", "('w240', 1, NULL) was refused: this word is closed (MY001)"];
        Assert.Equal([30, 60, 90, 120, 150, 180, 210, 240], letters.Select(static letter => (int)letter.Item!));
        for (int i = 0; i < why.Length; i++) Assert.Contains(why[i], letters[i].Error, StringComparison.Ordinal);
        Assert.Equal("292 292", await server.Server.AskAsync($"SELECT count(*) || ' ' || count(DISTINCT text) FROM {schema}.word"));
    }

    /// <remarks>Regression: a process that was frozen while it prepared a sink kept the lock of all sinks of the database.</remarks>
    [Fact]
    public async Task TheServerEndsTheTransactionOfAFrozenPreparation()
        => Assert.Empty(await Store.PrepareSinkAsync("DO $$ BEGIN ASSERT current_setting('idle_in_transaction_session_timeout') = '5s'; "
            + "END $$", "SELECT 1", Cancellation));

    [Fact]
    public async Task ADeferredConstraintFailsTheItemOfItsRowOnly()
    {
        await using Consecutor<int> words = Words(Store, PostgresSink.InStore<int>($"INSERT INTO {schema}.word VALUES($1)",
            static n => [n is 30 or 31 ? "same" : $"w{n}"],
            $"CREATE TABLE IF NOT EXISTS {schema}.word(text text UNIQUE DEFERRABLE INITIALLY DEFERRED)"), hasKeys: false);
        await words.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        await words.StartAsync(Cancellation);
        ConsecutorSnapshot end = await words.WaitForIdleAsync(Cancellation);
        Assert.Equal((99L, 1L, 0L, null), (end.Completed, end.Dead, end.Unaccounted, end.Problem));
        DeadLetter letter = Assert.Single(await words.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Contains("A constraint that is checked last refused the row ('same'): duplicate key", letter.Error,
            StringComparison.Ordinal);
        Assert.Contains($"(23505). The statement: INSERT INTO {schema}.word VALUES($1)", letter.Error, StringComparison.Ordinal);
        Assert.Equal("99 99", await server.Server.AskAsync($"SELECT count(*) || ' ' || count(DISTINCT text) FROM {schema}.word"));
    }

    [Fact]
    public async Task ACommitWaitsForAMissingTable()
    {
        await using Consecutor<int> words = Words(Store, PostgresSink.InStore<int>(Write, Row, Create), hasKeys: false);
        await words.StartAsync(Cancellation);
        await words.SendAsync(1, Cancellation);
        await words.WaitForIdleAsync(Cancellation);
        await server.Server.AskAsync($"ALTER TABLE {schema}.word RENAME TO away");
        await words.SendAsync(2, Cancellation);
        string? problem = null;
        await Rounds.UntilAsync(() => (problem = words.Snapshot().Problem)?.Contains("does not exist", StringComparison.Ordinal) == true,
            "No problem names the missing table.");
        Assert.DoesNotContain("POSITION", problem, StringComparison.Ordinal);
        await server.Server.AskAsync($"ALTER TABLE {schema}.away RENAME TO word");
        ConsecutorSnapshot end = await words.WaitForIdleAsync(Cancellation);
        Assert.Equal((2L, 0L), (end.Completed, end.Dead));
    }

    /// <summary>A refused commit of one caller leaves the transaction, which other callers share, as it was.</summary>
    [Fact]
    public async Task RowsAreWrittenWithTheirCommitOnlyWhateverItsRoundHolds()
    {
        await RunAsync(Create);
        await Store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        var group = new GroupId("orders", "main");
        await Store.AddGroupAsync(group, cancellation: Cancellation);
        await AppendAsync(1);
        await AppendAsync(2);
        Ownership owner = (await Store.AcquireAsync(group, 0, new("a"), Cancellation)).Ownership;
        await Store.LeaseAsync(new([owner]), Cancellation);

        Assert.Equal(CommitStatus.NotOutstanding,
            (await Store.CommitAsync(new(owner, 1) { Settled = [new(1, 3)], Attachments = [Rows("void")] }, Cancellation)).Status);
        StoreCommit bad = new(owner, 1) { Settled = [new(1, 1)], Attachments = [Rows("a"), Rows("b", "a")] };
        Task<CommitResult> refused = Store.CommitAsync(bad, Cancellation).AsTask();
        Task beside = Task.WhenAll(AppendAsync(3), AppendAsync(4));
        var failure = await Assert.ThrowsAsync<ItemRejectedException>(() => refused);
        Assert.Equal((bad.Attachments[1], 1), (failure.Attachment, failure.Item));
        await beside;
        Assert.Equal(0L, await server.Server.AskAsync($"SELECT count(*) FROM {schema}.word"));

        StoreCommit good = bad with { Attachments = [Rows("a"), Rows("b")] };
        Assert.Equal(CommitStatus.Committed, (await Store.CommitAsync(good, Cancellation)).Status);
        Assert.Equal(CommitStatus.Committed, (await Store.CommitAsync(good, Cancellation)).Status);      // repeated: no rows again
        Assert.Equal(2L, await server.Server.AskAsync($"SELECT count(*) FROM {schema}.word"));
        Assert.Equal(4, (await Store.FindStreamAsync("orders", Cancellation))!.Appended);

        async Task AppendAsync(long number)
        {
            using var batch = new EntryBatch();
            batch.Add("x"u8);
            await Store.AppendAsync(new("orders", $"p{number}", 0, 1, batch), Cancellation);
        }

        PostgresWrites Rows(params string[] texts)
        {
            var writes = new PostgresWrites();
            foreach (string text in texts) writes.Add(Write, text, 1, null);
            return writes;
        }
    }

    [Theory]
    [InlineData("COMMIT")]
    [InlineData("SET synchronous_commit = off")]
    [InlineData("SAVEPOINT x")]
    [InlineData("DROP TABLE chunk")]
    [InlineData("-- nothing")]
    public void AStatementThatCouldHarmTheStoreIsRefused(string sql)
    {
        string said = Assert.Throws<ArgumentException>(() => PostgresSink.InStore<int>(sql, Row)).Message;
        Assert.Contains($"A sink runs INSERT, UPDATE, DELETE, MERGE, SELECT or WITH in the store's transaction, not: {sql}", said,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("INSERT INTO nowhere VALUES($1)", "cannot run its statement: relation \"nowhere\" does not exist (42P01)")]
    [InlineData("INSERT INTO word(text) VALUES($1); COMMIT", "cannot run its statement: cannot insert multiple commands")]
    [InlineData("INSERT INTO pg_namespace(oid) VALUES(@id)", "(42703). Correct it, or give the statement that makes its table (create). "
        + "Its parameters are $1, $2 and so on: they have no names. The statement: INSERT")]
    [InlineData("INSERT INTO pg_class VALUES(", "cannot run its statement: syntax error at end of input (42601)")]
    public async Task AnInvalidStatementIsRefusedAtTheStart(string sql, string why)
    {
        await using Consecutor<int> words = Words(Store, PostgresSink.InStore<int>(sql, Row), hasKeys: false);
        Exception said = await Assert.ThrowsAnyAsync<Exception>(() => words.StartAsync(Cancellation));
        Assert.Contains(why, said.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CREATE TABEL x(a int)", "syntax error at or near \"TABEL\" (42601)")]
    [InlineData("CREATE TABLE x(a int); CREATE INDEX ON x(a)", "cannot insert multiple commands into a prepared statement (42601)")]
    public async Task AnInvalidStatementThatMakesATableIsShown(string create, string why)
    {
        foreach (Sink<int> sink in (Sink<int>[])[PostgresSink.InStore<int>("SELECT $1", static n => [n], create),
            PostgresSink.InDatabase<int>(server.Address, "SELECT $1", "SELECT $1", static n => [n], create)])
        {
            await using Consecutor<int> words = Words(Store, sink, hasKeys: false);
            Exception said = await Assert.ThrowsAnyAsync<Exception>(() => words.StartAsync(Cancellation));
            Assert.Contains($"cannot run the statement that makes its table: {why}. Correct it: create takes one statement. The statement: "
                + create, said.ToString(), StringComparison.Ordinal);
        }
    }

    /// <summary><c>SLUICE_KILLS=…</c> kills the server more often.</summary>
    [Fact]
    public async Task EachRowIsWrittenOnceHoweverOftenTheServerIsKilled()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("SLUICE_KILLS") ?? "2");
        await using PostgresServer own = await PostgresServer.StartAsync("fsync=on");
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(own.Address,
            new() { Timeout = TimeSpan.FromMinutes(2) }, Cancellation);
        // No constraint would refuse a second row.
        await using Consecutor<int> words = Words(store, PostgresSink.InStore<int>("INSERT INTO number VALUES($1)", static n => [n],
            "CREATE TABLE IF NOT EXISTS number(n int)"), hasKeys: false);
        await words.StartAsync(Cancellation);
        for (int i = 0; i <= kills; i++)
        {
            Task sending = words.SendAllAsync([.. Enumerable.Range(400 * i, 400)], Cancellation).AsTask();
            if (i < kills)
            {
                await own.KillAsync();
                await own.StartAgainAsync();
            }
            await sending;
        }
        ConsecutorSnapshot end = await words.WaitForIdleAsync(Cancellation);
        Assert.Equal((400L * (kills + 1), 0L), (end.Completed, end.Dead));
        Assert.Equal($"{400 * (kills + 1)} {400 * (kills + 1)}",
            await own.AskAsync("SELECT count(*) || ' ' || count(DISTINCT n) FROM sluice.number"));
    }

    [Fact]
    public async Task AnotherStoreIsRefusedAtTheStart()
    {
        await using Consecutor<int> words = Words(new MemoryStreamStore(), PostgresSink.InStore<int>(Write, Row), hasKeys: false);
        Exception said = (await Assert.ThrowsAnyAsync<Exception>(() => words.StartAsync(Cancellation))).GetBaseException();
        Assert.Contains("has no PostgreSQL store. Give it one, or use PostgresSink.InDatabase.", said.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ValuesThatPostgreSqlCannotKeepAreRefusedByNumberAndType()
    {
        var writes = new PostgresWrites();
        (object Value, string Why)[] wrong = [(new Version(1, 0), "Value 2 of a row is a Version"), ("a\ud83d", "U+D83D at 1"),
            (DateTime.Now, "is a local time"), (new object[] { 1 }, "Value 2 of a row is a object[]")];
        foreach ((object value, string why) in wrong)
            Assert.Contains(why, Assert.Throws<ArgumentException>(() => writes.Add("SELECT $1, $2", 1, value)).Message,
                StringComparison.Ordinal);
        Assert.Equal(0, writes.Count);
    }

    /// <summary>The first commit has a round of its own. The others wait for it, and share the next one.</summary>
    [Fact]
    public async Task EachCommitOfARoundDefersItsConstraintsToItsOwnEnd()
    {
        const int Partitions = 20;
        await RunAsync($"CREATE TABLE {schema}.parent(id int PRIMARY KEY)",
            $"CREATE TABLE {schema}.child(parent int REFERENCES {schema}.parent DEFERRABLE INITIALLY DEFERRED)");
        await Store.OpenStreamAsync("orders", new() { Partitions = Partitions }, Cancellation);
        var group = new GroupId("orders", "main");
        await Store.AddGroupAsync(group, cancellation: Cancellation);
        List<Ownership> owners = [];
        for (int i = 0; i < Partitions; i++) owners.Add((await Store.AcquireAsync(group, i, new("a"), Cancellation)).Ownership);
        CommitResult[] results = await Task.WhenAll(owners.Select((owner, i) => Store.CommitAsync(new(owner, 1)
        {
            FileLengths = [new("file", 1)],
            Attachments = [new PostgresWrites().Add($"INSERT INTO {schema}.child VALUES($1)", i)
                .Add($"INSERT INTO {schema}.parent VALUES($1)", i)],
        }, Cancellation).AsTask()));
        Assert.All(results, static result => Assert.Equal(CommitStatus.Committed, result.Status));
        Assert.Equal((long)Partitions, await server.Server.AskAsync($"SELECT count(*) FROM {schema}.child"));
    }

    private async Task RunAsync(params string[] statements)
    {
        foreach (string statement in statements)
        {
            await using Npgsql.NpgsqlCommand command = server.Direct.CreateCommand(statement);
            await command.ExecuteNonQueryAsync(Cancellation);
        }
    }

    private static Consecutor<int> Words(IStreamStore store, Sink<int> sink, bool hasKeys) => new("words",
        source => source | (sink | Stage.Named("table")),
        new()
        {
            Store = store,
            Process = new(),
            Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
            Stream = new() { Partitions = 1 }
        })
    { Key = hasKeys ? static n => $"{n % 3}" : null };

    private static object?[] Row(int n) => n switch
    {
        30 => [null, 1, null],
        60 => ["w60", 100, null],
        90 => ["w90", 4_000_000_000L, null],
        120 => ["w1", 1, null],
        150 => ["w150", 1, "{"],
        180 => ["w180\0", 1, null],
        210 => [Convert.ToBase64String(Enumerable.Range(0, 10_000).Select(i => (byte)(i * i * 31 >> 3)).ToArray()), 1, null],
        _ => [$"w{n}", 1, null],
    };
}
