using System.Collections.Concurrent;

namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>Changes of a publication as items: the snapshot, then whole transactions in the order of their commits.</summary>
public class ChangesTests(LogicalServer logical) : IClassFixture<LogicalServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheSnapshotComesFirstAndThenEachChangeOnce()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(1, 'a'), (2, null)");
        await shop.AcceptAsync(4);
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(3, 'c')");
        await shop.Lab.RunAsync("UPDATE orders SET note = 'b' WHERE id = 2; DELETE FROM orders WHERE id = 1; UPDATE orders SET id = 4 "
            + "WHERE id = 3");
        await shop.AcceptAsync(1);
        await shop.AcceptAsync(2);
        await shop.Lab.RunAsync("TRUNCATE orders");
        await shop.AcceptAsync(2);
        Assert.Equal(["(", "1,a", "2,null", ")", "+3,c.", ">2,b", "-1", "3>4,c.", "0orders."], await shop.Lab.AcceptedAsync());
        Assert.Equal("", string.Join('\n', shop.Lab.Warnings));
    }

    [Fact]
    public async Task AnEmptyTableAndNoSnapshotAreFine()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(1, 'a')");
        Source<string> changes = shop.Changes(options: shop.Options with { HasSnapshot = false, Slot = $"own_{shop.Lab.Name}" });
        await shop.Lab.AcceptAsync(changes, 2);
        Assert.Equal($"own_{shop.Lab.Name}", await shop.SlotAsync());
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(2, 'b')");
        await shop.Lab.AcceptAsync(changes, 1);
        Assert.Equal(["(", ")", "+2,b."], await shop.Lab.AcceptedAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OfSeveralServersThePrimaryIsFound(bool areSeveral)
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(1, 'a')");
        int port = logical.Server.Port;
        string hosts = areSeveral ? $"Host=127.0.0.1:1,127.0.0.1:{port}" : $"Host=127.0.0.1:{port}";
        string address = $"{shop.Lab.Address.Replace("Host=127.0.0.1", hosts, StringComparison.Ordinal)};Target Session Attributes=primary";
        await shop.Lab.AcceptAsync(shop.Changes(address: address), 3);
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(2, 'b')");
        await shop.Lab.AcceptAsync(shop.Changes(address: address), 1);
        Assert.Equal(["(", "1,a", ")", "+2,b."], await shop.Lab.AcceptedAsync());
    }

    [Fact]
    public async Task RowsHaveTheTextsOfThePublicationInTheSnapshotAndAfterwards()
    {
        const string Values = "(1, true, '2026-01-02 03:04:05.6+00', 1.50, '\\x00ff', '{a,NULL}', 'x  ', '7 days', 0.1, '{\"k\": [1]}', "
            + "'0190163d-8694-739b-aea5-966c26f8ad91')";
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server,
            "CREATE TABLE orders(id int PRIMARY KEY, yes bool, at timestamptz, sum numeric, raw bytea, list text[], fixed char(5), span "
                + "interval, "
            + "part float8, doc jsonb, key uuid, twice int GENERATED ALWAYS AS (id * 2) STORED, secret text); "
            + "CREATE PUBLICATION shop FOR TABLE orders(id, yes, at, sum, raw, list, fixed, span, part, doc, key) WHERE (id < 10)");
        await shop.Lab.RunAsync($"INSERT INTO orders VALUES{Values}; INSERT INTO orders VALUES(11)");
        var rows = new ConcurrentQueue<PostgresChange>();
        await using PipelineRun run = (PostgresSource.Changes("shop", shop.Lab.Address, "shop", static change => change, shop.Options)
            | rows.Enqueue).Start(cancellation: Cancellation);
        await ChangesLab.UntilAsync(run.Completion, () => Task.FromResult(rows.Count >= 3));
        await shop.Lab.RunAsync($"DELETE FROM orders; INSERT INTO orders VALUES{Values}");
        await ChangesLab.UntilAsync(run.Completion, () => Task.FromResult(rows.Count >= 5));
        Assert.True(await run.StopAsync());
        (PostgresRow first, PostgresRow second) = (rows.ElementAt(1).Row!, rows.ElementAt(4).Row!);
        Assert.Equal(first.Columns, second.Columns);
        Assert.Equal(first.Columns.Select(column => first[column]), second.Columns.Select(column => second[column]));
        Assert.Equal((1, true, 1.50m, 0.1), (first.Get<int>("id"), first.Get<bool>("yes"), first.Get<decimal>("sum"),
            first.Get<double>("part")));
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 600, TimeSpan.Zero), first.Get<DateTimeOffset>("at").ToUniversalTime());
        Assert.Equal(Guid.Parse("0190163d-8694-739b-aea5-966c26f8ad91"), second.Get<Guid>("key"));
        Assert.Contains("The value 'x    ' of the column 'fixed' is no int", Assert.Throws<FormatException>(() => first.Get<int>("fixed"))
            .Message, StringComparison.Ordinal);
        Assert.Contains("The row has no column 'secret', but id, yes", Assert.Throws<ArgumentException>(() => first["secret"]).Message,
            StringComparison.Ordinal);
        Assert.Equal(["1"], rows.ElementAt(3).OldRow!.Columns.Select(column => rows.ElementAt(3).OldRow![column]));
    }

    /// <summary>To stop is not to download the rest of the table first, whatever the size of its rows.</summary>
    [Theory]
    [InlineData(100_000, 500)]
    [InlineData(50, 1_000_000)]
    public async Task ASnapshotThatIsStoppedReadsNoMoreOfTheTable(int count, int bytes)
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        await shop.Lab.RunAsync($"INSERT INTO orders SELECT n, repeat('x', {bytes}) FROM generate_series(1, {count}) n");
        string source = $"{shop.Lab.Name}_snapshot";
        await shop.Lab.AcceptAsync(shop.Changes(address: $"{shop.Lab.Address};Application Name={source}"), 3);
        // A backend counts what it has read when it ends.
        await ByHand.UntilAsync(logical.Server, $"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = '{source}'");
        Assert.InRange((long)(await shop.Lab.AskAsync("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'orders'"))!, 2, 20);
    }

    [Fact]
    public async Task AnIntervalMayBeForEverAndAHandlerOfWarningsMayThrow()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        int warnings = 0;
        var seen = new ConcurrentQueue<string>();
        var options = new PostgresChangesOptions
        {
            HeartbeatInterval = TimeSpan.MaxValue,
            AcknowledgeInterval = TimeSpan.MaxValue,
            OnWarning = text =>
            {
                Interlocked.Increment(ref warnings);
                throw new InvalidOperationException(text);
            }
        };
        await using Consecutor<string> consecutor = shop.Lab.New(static _ => { });
        await using PipelineRun run = (PostgresSource.Changes("shop", shop.Lab.Address, "shop", ChangesLab.Text, options) | (text =>
        {
            seen.Enqueue(text);
            return text;
        }) | consecutor).Start(cancellation: Cancellation);
        await ChangesLab.UntilAsync(run.Completion, () => Task.FromResult(seen.Count == 2));
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(1, 'a')");
        await ChangesLab.UntilAsync(run.Completion, () => Task.FromResult(seen.Count == 3));
        await logical.Server.AskAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            + $"WHERE datname = '{shop.Lab.Name}' AND backend_type = 'walsender'");
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(2, 'b')");
        await ChangesLab.UntilAsync(run.Completion, () => Task.FromResult(seen.Contains("+2,b.")));
        Assert.True(await run.StopAsync());
        Assert.True(warnings > 0, "The lost connection is a warning.");
    }

    [Fact]
    public async Task ColumnsMayChangeInTheMiddle()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server, ChangesLab.Orders
            + "; ALTER TABLE orders REPLICA IDENTITY FULL; CREATE TABLE other(n int PRIMARY KEY)");
        await shop.AcceptAsync(2);
        await shop.Lab.RunAsync("INSERT INTO orders SELECT 1, string_agg(md5(n::text), '') FROM generate_series(1, 1000) n");
        await shop.Lab.RunAsync("ALTER TABLE orders ADD kind text DEFAULT 'k'; UPDATE orders SET kind = 'l'; ALTER TABLE orders DROP note; "
            + "ALTER TABLE orders RENAME TO buys; INSERT INTO buys VALUES(2, 'm')");
        await shop.Lab.RunAsync("ALTER PUBLICATION shop ADD TABLE other; INSERT INTO other VALUES(7)");
        await shop.AcceptAsync(4);
        string[] seen = await shop.Lab.AcceptedAsync();
        Assert.StartsWith("+1,c4ca4238", seen[2], StringComparison.Ordinal);
        Assert.EndsWith(",l", seen[3], StringComparison.Ordinal);
        Assert.Equal(["+2,m.", "+7."], seen[4..]);
    }

    [Fact]
    public async Task AValueThatIsStoredApartAndHasNotChangedIsNotSent()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        await shop.Lab.RunAsync("ALTER TABLE orders ADD n int; ALTER TABLE orders ALTER note SET STORAGE EXTERNAL; "
            + "INSERT INTO orders VALUES(1, repeat('x', 10000), 1)");
        await shop.AcceptAsync(3);
        await shop.Lab.RunAsync("UPDATE orders SET n = 2");
        await shop.AcceptAsync(1);
        Assert.Equal(">1,~,2.", (await shop.Lab.AcceptedAsync())[3]);
    }

    [Fact]
    public async Task TheServerIsToldWhatIsDurableAndNothingBeyond()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        await shop.AcceptAsync(2);
        string slot = await shop.SlotAsync();
        string before = (string)(await shop.Lab.AskAsync($"SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = "
            + $"'{slot}'"))!;
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(1, 'a')");
        string end = (string)(await shop.Lab.AskAsync("SELECT pg_current_wal_lsn()::text"))!;

        // The item is not accepted while its function waits. The client goes on answering until after the server's timeout.
        var made = new TaskCompletionSource();
        var go = new ManualResetEventSlim();
        Task accepting = shop.Lab.AcceptAsync(shop.Changes(item: change =>
        {
            made.TrySetResult();
            go.Wait(Cancellation);
            return ChangesLab.Text(change);
        }) | (text => text), 2);
        await Task.WhenAny(made.Task, accepting);
        try
        {
            object began = (await shop.Lab.AskAsync("SELECT clock_timestamp()::text"))!;
            await ChangesLab.UntilAsync(accepting, async () =>
            {
                object? isAnswered = await shop.Lab.AskAsync("SELECT CASE WHEN active THEN (SELECT coalesce(max(reply_time), "
                    + $"'-infinity') > '{began}'::timestamptz + current_setting('wal_sender_timeout')::interval FROM pg_stat_replication "
                    + $"WHERE pid = active_pid) END FROM pg_replication_slots WHERE slot_name = '{slot}'");
                Assert.True(isAnswered is bool, "The server has given the client up.");
                return isAnswered is true;
            });
            Assert.Equal(true, await shop.Lab.AskAsync(
                $"SELECT active AND confirmed_flush_lsn = '{before}' FROM pg_replication_slots WHERE slot_name = '{slot}'"));
        }
        finally
        {
            go.Set();                                // also if it fails: otherwise the run would never end
        }
        await shop.UntilAsync(accepting, $"SELECT confirmed_flush_lsn >= '{end}' FROM pg_replication_slots WHERE slot_name = '{slot}'");
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(2, 'b')");
        await accepting;
        Assert.Equal(["(", ")", "+1,a.", "+2,b."], await shop.Lab.AcceptedAsync());
        Assert.Empty(shop.Lab.Warnings);
    }

    [Fact]
    public async Task ADurablePositionIsAcknowledgedOnceTheServerStreams()
    {
        // The interval is shorter than the server takes to begin. That happens with any interval if the server is slow.
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        Source<string> changes = shop.Changes(options: new() { AcknowledgeInterval = TimeSpan.FromMilliseconds(1) });
        for (int life = 1; life <= 10; life++)
        {
            Task accepting = shop.Lab.AcceptAsync(changes, life == 1 ? 4 : 2);
            string before = (string)(await shop.Lab.AskAsync("SELECT pg_current_wal_lsn()::text"))!;
            await shop.Lab.RunAsync($"INSERT INTO orders VALUES({life}, 'a')");
            await shop.UntilAsync(accepting, $"SELECT coalesce(bool_and(confirmed_flush_lsn > '{before}'), false) "
                + "FROM pg_replication_slots WHERE database = current_database()");
            await shop.Lab.RunAsync($"INSERT INTO orders VALUES({-life}, 'b')");
            await accepting;
        }
        Assert.Empty(shop.Lab.Warnings);
    }

    [Fact]
    public async Task WithoutTheRightToWriteHeartbeatsChangesAreAcknowledged()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        await using (var admin = Npgsql.NpgsqlDataSource.Create(logical.Server.Admin + $";Database={shop.Lab.Name}"))
        await using (Npgsql.NpgsqlConnection connection = await admin.OpenConnectionAsync(Cancellation))
            await TableTests.RunAsync(connection, "REVOKE EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text) FROM PUBLIC");
        PostgresChangesOptions options = shop.Options with { HeartbeatInterval = TimeSpan.FromMilliseconds(1) };
        Task accepting = shop.Lab.AcceptAsync(shop.Changes(options: options), 4);
        await ChangesLab.UntilAsync(accepting, () => Task.FromResult(!shop.Lab.Warnings.IsEmpty));
        string before = (string)(await shop.Lab.AskAsync("SELECT pg_current_wal_lsn()::text"))!;
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(1, 'a')");
        await shop.UntilAsync(accepting, $"SELECT confirmed_flush_lsn > '{before}' FROM pg_replication_slots "
            + "WHERE database = current_database()");
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(2, 'b')");
        await accepting;
        Assert.Contains("no heartbeat can be written", Assert.Single(shop.Lab.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnIdlePublicationDoesNotKeepTheLog()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server, ChangesLab.Orders + "; CREATE TABLE other(n int)");
        Source<string> changes = shop.Changes(options: shop.Options with { HeartbeatInterval = TimeSpan.FromMilliseconds(100) });
        Task accepting = shop.Lab.AcceptAsync(changes, 3);
        await shop.UntilAsync(accepting, "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE database = current_database() AND active)");
        await shop.Lab.RunAsync("INSERT INTO other SELECT generate_series(1, 1000)");
        await shop.UntilAsync(accepting, $"SELECT confirmed_flush_lsn >= '{await shop.Lab.AskAsync("SELECT pg_current_wal_lsn()::text")}' "
            + "FROM pg_replication_slots WHERE database = current_database()");

        // A connection that is made anew after a heartbeat begins behind it.
        await logical.Server.AskAsync("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots "
            + $"WHERE slot_name = '{await shop.SlotAsync()}'");
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(1, 'a')");
        await accepting;
        Assert.Equal(["(", ")", "+1,a."], await shop.Lab.AcceptedAsync());
    }

    [Fact]
    public async Task AnOpenTransactionHoldsUpTheSlotAndIsNamed()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        await using Npgsql.NpgsqlConnection slow = await shop.Lab.Database.OpenConnectionAsync(Cancellation);
        await TableTests.RunAsync(slow, "BEGIN; INSERT INTO orders VALUES(1, 'a')");
        var clock = new Sluice.Testing.TestClock();
        Task accepting = shop.Lab.AcceptAsync(shop.Changes(options: shop.Options with { Time = clock }), 3);
        await SourceLab.UntilAsync(clock, accepting, () => !shop.Lab.Warnings.IsEmpty);
        Assert.Contains("waits for the transactions that are open", Assert.Single(shop.Lab.Warnings), StringComparison.Ordinal);
        await TableTests.RunAsync(slow, "COMMIT");
        await accepting;
        Assert.Equal(["(", "1,a", ")"], await shop.Lab.AcceptedAsync());
    }
}
