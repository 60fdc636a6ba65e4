using Npgsql;
using Sluice.Tests.Delivery;

namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>
/// A table that several writers fill, in transactions of any length that may roll back, while the process that follows it dies at any
/// call of its store, and connections and the server are killed.
/// </summary>
public sealed class TableKillTests : IAsyncLifetime
{
    private const int Writers = 4, Rows = 60;
    private PostgresServer? running;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => running = await PostgresServer.StartAsync("fsync=on", "max_prepared_transactions=5");

    public async ValueTask DisposeAsync() => await running!.DisposeAsync();

    /// <summary><c>SLUICE_KILLS=…</c> kills more often.</summary>
    [Fact]
    public async Task EachCommittedRowIsAcceptedOnceWhateverIsKilled()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("SLUICE_KILLS") ?? "2");
        await using SourceLab lab = await SourceLab.StartAsync(
            "CREATE TABLE orders(id bigserial PRIMARY KEY, created timestamptz NOT NULL DEFAULT now())", running);
        var random = new Random(kills);
        int deaths = 0;
        for (int kill = 0; kill < kills; kill++)
        {
            Task[] writing = [.. Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(lab, (100 * kill) + writer)))];
            var written = Task.WhenAll(writing);
            while (!written.IsCompleted || deaths < 2 * (kill + 1))
            {
                if (await lab.AcceptUntilDeathAsync(lab.Table() | Twice, random.Next(1, 12), (Moment)random.Next(3))) deaths++;
                if (random.Next(4) == 0) await running!.AskAsync(
                    $"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{lab.Name}' AND random() < 0.3");
            }
            await written;
            await running!.KillAsync();
            await running.StartAgainAsync();
            lab.Database.Clear();
        }
        await lab.AcceptAsync(lab.Table() | Twice);
        string[] accepted = await lab.AcceptedAsync();
        string all = (string)(await lab.AskAsync("SELECT string_agg(id || 'a ' || id || 'b', ' ' ORDER BY id) FROM orders"))!;
        Assert.Equal(all, string.Join(' ', accepted));
        Assert.True(deaths > kills, $"{deaths} deaths.");
        Assert.True(accepted.Length > 100, $"{accepted.Length} items.");
    }

    [Fact]
    public async Task APreparedTransactionIsWaitedFor()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
            running);
        await using (NpgsqlConnection slow = await lab.Database.OpenConnectionAsync(Cancellation))
        {
            await TableTests.RunAsync(slow, "BEGIN; INSERT INTO orders DEFAULT VALUES; PREPARE TRANSACTION 'one'");
        }
        await lab.RunAsync("INSERT INTO orders DEFAULT VALUES");
        var clock = new Sluice.Testing.TestClock();
        List<string> seen = [];
        Task read = (lab.Table(options: new() { PollInterval = null, Time = clock }) | seen.Add).RunAsync(cancellation: Cancellation);
        await SourceLab.UntilAsync(clock, read, () => !lab.Warnings.IsEmpty);
        Assert.Contains("prepared transaction", Assert.Single(lab.Warnings), StringComparison.Ordinal);
        await lab.RunAsync("COMMIT PREPARED 'one'");
        await SourceLab.UntilAsync(clock, read, () => seen.Count == 2);
        await read;
        Assert.Equal(["1", "2"], seen);
    }

    [Fact]
    public async Task ATransactionThatIsPreparedWhileItIsWaitedForIsWaitedForFurther()
    {
        await using SourceLab lab = await SourceLab.StartAsync("CREATE TABLE orders(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
            running);
        await using NpgsqlConnection slow = await lab.Database.OpenConnectionAsync(Cancellation);
        await TableTests.RunAsync(slow, "BEGIN; INSERT INTO orders DEFAULT VALUES");
        await lab.RunAsync("INSERT INTO orders DEFAULT VALUES");
        var clock = new Sluice.Testing.TestClock();
        List<string> seen = [];
        Task read = (lab.Table(options: new() { PollInterval = null, Time = clock }) | seen.Add).RunAsync(cancellation: Cancellation);
        await clock.WaitForTimersAsync(1, Cancellation);         // it waits for the transaction
        await TableTests.RunAsync(slow, "PREPARE TRANSACTION 'two'");
        await SourceLab.UntilAsync(clock, read, () => !lab.Warnings.IsEmpty);
        Assert.Contains("prepared transaction", Assert.Single(lab.Warnings), StringComparison.Ordinal);
        await lab.RunAsync("COMMIT PREPARED 'two'");
        await SourceLab.UntilAsync(clock, read, () => seen.Count == 2);
        await read;
        Assert.Equal(["1", "2"], seen);
    }

    private static async Task WriteAsync(SourceLab lab, int seed)
    {
        var random = new Random(seed);
        for (int row = 0; row < Rows; row++)
        {
            try
            {
                await using NpgsqlConnection connection = await lab.Database.OpenConnectionAsync(Cancellation);
                await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(Cancellation);
                bool isFetched = random.Next(2) == 0;
                if (isFetched) await TableTests.RunAsync(connection, "SELECT nextval('orders_id_seq')");
                for (int turns = random.Next(200); turns > 0; turns--) await Task.Yield();
                await TableTests.RunAsync(connection, isFetched ? "INSERT INTO orders VALUES(currval('orders_id_seq'))"
                    : $"INSERT INTO orders SELECT FROM generate_series(1, {random.Next(1, 4)})");
                if (random.Next(5) == 0) continue;
                await transaction.CommitAsync(Cancellation);
            }
            catch (NpgsqlException)
            {
                // the connection was killed: whether it has committed is in the table
            }
        }
    }

    private static IEnumerable<string> Twice(string id) => [$"{id}a", $"{id}b"];
}
