using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using Sluice.PostgreSql;
using Sluice.PostgreSql.Tests;
using Sluice.Storage;

namespace Sluice.Samples.Tests.Orders;

/// <summary>The shop on PostgreSQL, run as a user runs it.</summary>
public sealed class OrdersTests(OrdersTests.Server server) : IClassFixture<OrdersTests.Server>
{
    [Long("BooksThatAreWrongAreReported drives the shop; TransactionKillTests")]
    [Fact]
    public async Task TheBooksAreRightDespiteKillsOfServicesAndOfItsOwnServer()
    {
        string? more = Environment.GetEnvironmentVariable("SLUICE_KILLS");
        int kills = int.TryParse(more, CultureInfo.InvariantCulture, out int given) ? given : 3, orders = 40 * kills;
        using SampleProcess drive = SampleProcess.Start("Orders", Path.GetTempPath(), "--drive", $"{orders}", "--seed", "5", "--kills",
            $"{kills}");
        string output = WithoutSlowStore(await drive.EndAsync()).Succeeded().Output;
        Match line = Regex.Match(output, @"^right: (\d+) orders placed, (\d+) declined, (\d+) sold out; .*the server [1-9]",
            RegexOptions.Multiline);
        Assert.True(line.Success, output);
        Assert.Equal(orders, Enumerable.Range(1, 3).Sum(group => int.Parse(line.Groups[group].Value, CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task AServerByNameIsLeftAsItWas()
    {
        using SampleProcess drive = SampleProcess.Start("Orders", Path.GetTempPath(), "--drive", "20", "--seed", "6", "--kills", "1",
            "--store", $"postgres:{server.Postgres.Address}");
        string output = WithoutSlowStore(await drive.EndAsync()).Succeeded().Output;
        Assert.Contains("right: ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", output, StringComparison.Ordinal);
        Assert.Equal(0L, await server.Postgres.AskAsync($"SELECT count(*) FROM pg_namespace WHERE nspname LIKE '{Schema(output)}%'"));
    }

    [Fact]
    public async Task BooksThatAreWrongAreReported()
    {
        await using IAsyncDisposable lose = await OnInsertAsync("shipment", """
            IF NEW.product = 'product-4' THEN RETURN NULL; END IF;
            IF NEW.product = 'product-5' THEN RAISE EXCEPTION 'no shipment today'; END IF;
            """);
        await using IAsyncDisposable add = await OnInsertAsync("product",
            "IF NEW.name = 'product-3' THEN NEW.stock := NEW.stock + 1; END IF;");
        using SampleProcess drive = SampleProcess.Start("Orders", Path.GetTempPath(), "--drive", "40", "--kills", "0", "--seed", "7",
            "--store", server.Postgres.Address);
        string schema = Schema(await drive.ReadUntilAsync(line => line.Contains("Search Path", StringComparison.Ordinal)));
        Ended ended = await drive.EndAsync();
        Assert.True(ended.ExitCode == 1, ended.Output);
        Assert.Contains("problem: 1 products have a wrong stock", ended.Output, StringComparison.Ordinal);
        Assert.Matches(@"problem: \d+ orders are not shipped", ended.Output);
        Assert.Matches(@"problem: \d+ orders are missing in the sales book", ended.Output);
        Assert.Matches(@"problem: \d+ events could not be entered, the first one: .*no shipment today", ended.Output);
        Assert.DoesNotContain("Nothing went on", ended.Output, StringComparison.Ordinal);
        Assert.Contains("WRONG: ", ended.Output, StringComparison.Ordinal);
        Assert.Contains($"in the schemas {schema} and {schema}_queue.", ended.Output, StringComparison.Ordinal);
        Assert.Matches("service [12]: .*no shipment today", ended.Errors);
    }

    [Fact]
    public async Task AnEventWithoutAnOrderIsReported()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        // The drive gets no answer before the event is there.
        await using IAsyncDisposable wait = await OnInsertAsync("shop_order",
            "WHILE to_regclass('public.event_is_there') IS NULL LOOP PERFORM pg_sleep(0.01); END LOOP;");
        using SampleProcess drive = SampleProcess.Start("Orders", Path.GetTempPath(), "--drive", "40", "--kills", "0",
            "--store", server.Postgres.Address);
        string queue = Schema(await drive.ReadUntilAsync(line => line.Contains("Search Path", StringComparison.Ordinal))) + "_queue";
        await server.Postgres.AskAsync($"""
            DO $$ BEGIN
                WHILE to_regclass('{queue}.stream') IS NULL LOOP COMMIT; PERFORM pg_sleep(0.002); END LOOP;
                WHILE NOT EXISTS (SELECT FROM {queue}.stream) LOOP COMMIT; PERFORM pg_sleep(0.002); END LOOP;
            END $$
            """);
        await using (PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Postgres.Address,
            new PostgresStoreOptions { Schema = queue, AutoCreate = false }, cancellation))
        {
            using var batch = new EntryBatch();
            batch.Add(Encoding.UTF8.GetBytes($$"""{"id":"{{Guid.NewGuid()}}","product":"product-3","quantity":1,"left":0}"""));
            await store.AppendAsync(new("orders", "sender without an order", 0, 1, batch), cancellation);
        }
        await server.Postgres.AskAsync("CREATE TABLE public.event_is_there()");
        Ended ended = await drive.EndAsync();
        Assert.True(ended.ExitCode == 1, ended.Output);
        Assert.Matches(@"problem: (\d+) events were accepted for \d+ orders", ended.Output);
    }

    [Fact]
    public async Task AnOrderIsPlacedOnceOrRefusedWithAReason()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using SampleProcess shop = SampleProcess.Start("Orders", Path.GetTempPath(), "--serve", "--store",
            server.Postgres.Address + ";Search Path=public", "--queue", "public_queue", "--products", "apple,plum", "--stock", "3",
            "--urls", "http://127.0.0.1:0");
        string line = await shop.ReadUntilAsync(line => line.StartsWith("listening ", StringComparison.Ordinal));
        using var http = new HttpClient { BaseAddress = new(Regex.Match(line, "http://[^ ]+").Value) };
        Guid first = Guid.NewGuid();

        Assert.Equal(HttpStatusCode.Created, await PostAsync(first, "apple", 2));
        Assert.Equal(HttpStatusCode.Created, await PostAsync(first, "apple", 2));
        Assert.Equal(HttpStatusCode.Conflict, await PostAsync(Guid.NewGuid(), "apple", 2));
        Assert.Equal(HttpStatusCode.PaymentRequired, await PostAsync(Guid.NewGuid(), "apple", 1, "declined"));
        Assert.Equal(HttpStatusCode.NotFound, await PostAsync(Guid.NewGuid(), "pear", 1));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(Guid.NewGuid(), "apple", 0));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(Guid.NewGuid(), "app\0le", 1));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync(Guid.NewGuid(), "apple", 1, customer: "\0"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, await PostAsync(first, "apple", 1));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, await PostAsync(first, "apple", 2, customer: "another"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, await PostAsync(first, "plum", 2));
        Assert.Equal("1 2 1", await server.Postgres.AskAsync("""
            SELECT (SELECT stock FROM product WHERE name = 'apple') || ' ' || (SELECT sum(quantity) FROM shop_order) || ' ' || (SELECT count(*) FROM shop_order)
            """));
        await server.Postgres.AskAsync("DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM sale) LOOP COMMIT; END LOOP; END $$");
        Assert.Equal("apple 1 2 1", await server.Postgres.AskAsync(
            "SELECT sale.product || ' ' || number || ' ' || pieces || ' ' || left_in_stock FROM sale JOIN shipment USING (order_id)"));
        await shop.SignalAsync("TERM");
        WithoutSlowStore(await shop.EndAsync()).Succeeded();

        async Task<HttpStatusCode> PostAsync(Guid id, string product, int quantity, string card = "4711", string customer = "c")
        {
            using HttpResponseMessage answer = await http.PostAsJsonAsync("orders", new { id, customer, product, quantity, card },
                cancellation);
            Assert.DoesNotContain("22021", await answer.Content.ReadAsStringAsync(cancellation), StringComparison.Ordinal);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task AMistakeOfTheShopIsNoReasonToRepeatTheOrderAndTheAnswerDoesNotShowIt()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await server.Postgres.AskAsync("CREATE SCHEMA broken AUTHORIZATION sluice");
        using SampleProcess shop = SampleProcess.Start("Orders", Path.GetTempPath(), "--serve", "--store",
            server.Postgres.Address + ";Search Path=broken", "--queue", "broken_queue", "--products", "apple", "--urls",
            "http://127.0.0.1:0");
        string line = await shop.ReadUntilAsync(line => line.StartsWith("listening ", StringComparison.Ordinal));
        using var http = new HttpClient { BaseAddress = new(Regex.Match(line, "http://[^ ]+").Value) };
        await server.Postgres.AskAsync("ALTER TABLE broken.shop_order RENAME COLUMN customer TO buyer");
        using HttpResponseMessage answer = await http.PostAsJsonAsync("orders",
            new { id = Guid.NewGuid(), customer = "c", product = "apple", quantity = 1, card = "4711" }, cancellation);
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.DoesNotContain("customer", await answer.Content.ReadAsStringAsync(cancellation), StringComparison.Ordinal);
        await shop.ReadErrorAsync("customer");
    }

    [Fact]
    public async Task NoPasswordStandsOnTheCommandLineOfAServiceAndItsCrashIsReported()
    {
        using SampleProcess drive = SampleProcess.Start("Orders", Path.GetTempPath(), "--drive", "10000", "--kills", "0",
            "--store", server.Postgres.Address);
        string line = await drive.ReadUntilAsync(line => line.Contains("Search Path", StringComparison.Ordinal));
        string[] children = [], services = [];
        while (services.Length < 2 && !drive.HasExited)
        {
            children = SampleProcess.ChildrenOf(drive.Id);
            services = [.. children.Select(static id => File.ReadAllText($"/proc/{id}/cmdline"))
                .Where(static line => line.Contains("--serve", StringComparison.Ordinal))];
            await Task.Yield();
        }
        Assert.Equal(2, services.Length);
        Assert.All(services, static line => Assert.DoesNotContain("Password", line, StringComparison.OrdinalIgnoreCase));

        string schema = Schema(line);
        // many orders, so that the drive has got answers: a service that ends before that did not start
        await server.Postgres.AskAsync(
            $"DO $$ BEGIN WHILE (SELECT count(*) FROM {schema}.shop_order) < 200 LOOP COMMIT; END LOOP; END $$");
        using (Process kill = Process.Start("kill", ["-KILL", children[0]])) await kill.WaitForExitAsync(
            TestContext.Current.CancellationToken);
        Ended ended = await drive.EndAsync();
        Assert.True(ended.ExitCode == 1, ended.Output);
        Assert.Matches("problem: service [12] ended by itself, with exit code 137", ended.Output);
    }

    [Theory]
    [InlineData("", "--serve or --drive")]
    [InlineData("--serve --drive 5", "--serve or --drive")]
    [InlineData("--serve", "--store")]
    [InlineData("--serve --store Hos=a", "--store")]
    [InlineData("--serve --wait 0 --store Host=127.0.0.1;Port=1", "--store")]
    [InlineData("--serve --store Host=a --seed 3", "--drive")]
    [InlineData("--drive 0", "--drive")]
    [InlineData("--drive 5 --urls http://127.0.0.1:1", "--serve")]
    [InlineData("--drive 5 --store Host=127.0.0.1;Port=1", "--store")]
    public async Task AMistakeIsOneLine(string arguments, string part)
    {
        Ended ended = await WarmProgram.RunAsync("Orders", Path.GetTempPath(), arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(part, ended.OneErrorLine(2, "orders"), StringComparison.Ordinal);
    }

    /// <summary>Executes statements before each row that is inserted into a table of a drive, from the creation of the table on.</summary>
    private async Task<IAsyncDisposable> OnInsertAsync(string table, string statements)
    {
        await server.Postgres.AskAsync($"""
            CREATE FUNCTION public.on_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statements} RETURN NEW; END $$;
            CREATE FUNCTION public.create_{table}() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
            DECLARE made record;
            BEGIN
                FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE '%.{table}' LOOP
                    -- a table with references comes again for each of them
                    EXECUTE format('CREATE OR REPLACE TRIGGER inserted BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION %s()',
                        made.object_identity, 'public.on_{table}');
                END LOOP;
            END $$;
            CREATE EVENT TRIGGER {table} ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.create_{table}();
            """);
        return new Removal(() => server.Postgres.AskAsync(
            $"DROP EVENT TRIGGER {table}; DROP FUNCTION public.create_{table}(); DROP FUNCTION public.on_{table}() CASCADE"));
    }

    private sealed class Removal(Func<Task> remove) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await remove();
    }

    // On a busy machine, the shop may say that the server has not answered for a second.
    private static Ended WithoutSlowStore(Ended ended) => ended with
    {
        Errors = Regex.Replace(ended.Errors, @"^sluice: warning: The PostgreSQL server at \S+ (has not answered since|answers again, ).*\n",
            "", RegexOptions.Multiline),
    };

    private static string Schema(string output) => Regex.Match(output, @"Search Path=(orders_\d+_\d+)").Groups[1].Value;

    /// <summary>A PostgreSQL server.</summary>
    public sealed class Server : IAsyncLifetime
    {
        internal PostgresServer Postgres { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Postgres = await PostgresServer.StartAsync();

        public ValueTask DisposeAsync() => Postgres.DisposeAsync();
    }
}
