using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Rows in another database than the store, while servers and consumers are killed: each is there once.</summary>
public sealed class SinkDatabaseKillTests(SharedServer server) : IAsyncLifetime
{
    // No constraint would refuse a second row.
    private const string Create = "CREATE TABLE IF NOT EXISTS number(n int)", Insert = "INSERT INTO number VALUES($1)";
    private const string Delete = "DELETE FROM number WHERE ctid = (SELECT max(ctid) FROM number WHERE n = $1)";
    private const string Counts = "SELECT count(*) || ' ' || count(DISTINCT n) FROM number";

    private readonly string schema = SharedServer.NewSchema();
    private PostgresServer? other;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PostgresServer Other => other!;

    public async ValueTask InitializeAsync() => other = await PostgresServer.StartAsync("fsync=on");

    public ValueTask DisposeAsync() => Other.DisposeAsync();

    /// <summary><c>SLUICE_KILLS=…</c> kills more often.</summary>
    [Fact]
    public async Task EachRowIsWrittenOnceWhateverIsKilled()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("SLUICE_KILLS") ?? "2");
        var random = new Random(kills);
        for (int i = 0; i <= kills; i++)
        {
            await using PostgresStreamStore store = await OpenAsync();
            await using Consecutor<int> numbers = Numbers(store, "one");
            await numbers.StartAsync(Cancellation);
            await numbers.SendAllAsync([.. Enumerable.Range(200 * i, 200)], Cancellation);
            await ByHand.UntilAsync(Other, $"SELECT count(*) > {200 * i} FROM number");
            if (i < kills)
            {
                if (random.Next(2) == 0)
                    await Other.AskAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'sluice'");
                else await Other.KillAsync();
                if (random.Next(2) == 0) await store.DisposeAsync();                           // an answer may be lost
                if (Other.Id == 0 || !await IsUpAsync()) await Other.StartAgainAsync();
                continue;                                                                        // disposed without a stop
            }
            ConsecutorSnapshot end = await numbers.WaitForIdleAsync(Cancellation);
            Assert.Equal((0L, 0L, null), (end.Dead, end.Pending, end.Problem));
        }
        int sent = 200 * (kills + 1);
        Assert.Equal($"{sent} {sent}", await Other.AskAsync(Counts));
    }

    [Fact]
    public async Task WhileTheServerIsAwayItemsWaitAndTheProblemIsClear()
    {
        await using PostgresStreamStore store = await OpenAsync();
        await using Consecutor<int> numbers = Numbers(store, "one");
        await numbers.StartAsync(Cancellation);
        await numbers.SendAsync(1, Cancellation);
        await numbers.WaitForIdleAsync(Cancellation);
        await Other.KillAsync();
        await numbers.SendAllAsync([2, 3, 4], Cancellation);
        string? problem;
        while ((problem = numbers.Snapshot().Problem)?.Contains("does not answer", StringComparison.Ordinal) != true)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Delay(1, Cancellation);
        }
        Assert.Contains($"The database 127.0.0.1:{Other.Port}/sluice does not answer", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", problem, StringComparison.Ordinal);
        await Other.StartAgainAsync();
        ConsecutorSnapshot end = await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal((4L, 0L, null), (end.Completed, end.Dead, end.Problem));
        Assert.Equal("4 4", await Other.AskAsync(Counts));
    }

    [Fact]
    public async Task AServerThatIsAwayIsNamedAtTheStart()
    {
        await using PostgresStreamStore store = await OpenAsync();
        await Other.KillAsync();
        await using (Consecutor<int> numbers = Numbers(store, "one"))
        {
            Exception failure = (await Assert.ThrowsAnyAsync<Exception>(() => numbers.StartAsync(Cancellation)));
            Assert.Contains($"The database 127.0.0.1:{Other.Port}/sluice does not answer", failure.ToString(), StringComparison.Ordinal);
        }
        await Other.StartAgainAsync();
        await using Consecutor<int> again = Numbers(store, "one");
        await again.StartAsync(Cancellation);
        await again.SendAsync(1, Cancellation);
        Assert.Equal(1, (await again.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Fact]
    public async Task ARowThatIsRefusedFailsItsItemOnly()
    {
        await Other.AskAsync("CREATE TABLE number(n int CHECK (n <> 77)); ALTER TABLE number OWNER TO sluice");
        await using PostgresStreamStore store = await OpenAsync();
        await using Consecutor<int> numbers = Numbers(store, "one");
        await numbers.SendAllAsync([.. Enumerable.Range(0, 200)], Cancellation);
        await numbers.StartAsync(Cancellation);
        ConsecutorSnapshot end = await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal((199L, 1L, 0L, null), (end.Completed, end.Dead, end.Unaccounted, end.Problem));
        DeadLetter letter = Assert.Single(await numbers.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Contains("The row (77) was refused", letter.Error, StringComparison.Ordinal);
        Assert.Equal("199 199", await Other.AskAsync(Counts));
    }

    /// <summary>Two members share the partitions, behind a pooler; one is gone without a word, and the other takes over.</summary>
    [Fact]
    public async Task MembersWriteForTheirPartitionsBehindAPooler()
    {
        await using PgBouncer bouncer = await PgBouncer.StartAsync(Other.Port);
        await using PostgresStreamStore store = await OpenAsync(), second = await OpenAsync();
        await using Consecutor<int> one = Numbers(store, "one", bouncer.Address + ";Transaction Pooling=true");
        Consecutor<int> two = Numbers(second, "two", bouncer.Address + ";Transaction Pooling=true");
        await one.StartAsync(Cancellation);
        await two.StartAsync(Cancellation);
        await ByHand.UntilAsync(server.Server, $"SELECT count(DISTINCT owner) = 2 FROM {schema}.owned");
        await one.SendAllAsync([.. Enumerable.Range(0, 400)], Cancellation);
        await ByHand.UntilAsync(Other, "SELECT count(*) > 50 FROM number");
        await second.DisposeAsync();
        await two.DisposeAsync();
        await one.SendAllAsync([.. Enumerable.Range(400, 400)], Cancellation);
        await ByHand.UntilAsync(Other, "SELECT count(DISTINCT n) = 800 FROM number");
        await one.WaitForIdleAsync(Cancellation);
        Assert.Equal("800 800", await Other.AskAsync(Counts));
    }

    private async Task<bool> IsUpAsync()
    {
        try
        {
            return await Other.AskAsync("SELECT true") is true;
        }
        catch (Npgsql.NpgsqlException)
        {
            return false;
        }
    }

    private Consecutor<int> Numbers(PostgresStreamStore store, string member, string? address = null) => new("numbers",
        source => source | PostgresSink.InDatabase<int>(address ?? Other.Address, Insert, Delete, static n => [n], Create), new()
        {
            Store = store,
            Process = new(),
            InstanceId = member,
            Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
            LeaseDuration = TimeSpan.FromSeconds(1),
            Stream = new() { Partitions = 4 },
        })
    { Key = static n => $"{n % 16}" };

    private ValueTask<PostgresStreamStore> OpenAsync() => PostgresStreamStore.OpenAsync(server.Address,
        new() { Schema = schema, Timeout = TimeSpan.FromMinutes(1), OnWarning = static _ => { } }, Cancellation);
}
