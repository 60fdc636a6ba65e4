using Npgsql;
using Sluice.Tests.Delivery;

namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>
/// Random transactions, while the process that follows them dies at any call of its store, and connections and the server are killed. A
/// model that takes each change in strictly must end like the table.
/// </summary>
public sealed class ChangesKillTests : IAsyncLifetime
{
    private const int Keys = 20;
    private PostgresServer? running;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => running = await LogicalServer.StartAsync("fsync=on");

    public async ValueTask DisposeAsync() => await running!.DisposeAsync();

    /// <summary><c>SLUICE_KILLS=…</c> kills more often.</summary>
    [Fact]
    public async Task EachChangeIsAcceptedOnceInOrderWhateverIsKilled()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("SLUICE_KILLS") ?? "2");
        await using ChangesLab shop = await ChangesLab.StartAsync(running!, "CREATE TABLE orders(id int PRIMARY KEY, version int); "
            + "INSERT INTO orders SELECT n, 0 FROM generate_series(1, 10) n; CREATE PUBLICATION shop FOR TABLE orders");
        var random = new Random(kills);
        int deaths = 0;
        for (int kill = 0; kill < kills; kill++)
        {
            Task writing = Task.Run(() => WriteAsync(shop.Lab, kill));
            while (!writing.IsCompleted || deaths < 2 * (kill + 1))
            {
                Task<bool> life = shop.Lab.AcceptUntilDeathAsync(Changes() | Twice, random.Next(3, 15), (Moment)random.Next(3));
                // Once in a life: a connection that is ended faster than it can begin would never get to a change.
                bool isCut = false;
                // The source has no end: if nothing comes any more, the process would live on.
                while (!life.IsCompleted)
                {
                    await shop.Lab.RunAsync("INSERT INTO orders VALUES(-1, 0); DELETE FROM orders WHERE id = -1");
                    if (isCut || random.Next(40) > 0) continue;
                    isCut = true;
                    await running!.AskAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                        + $"WHERE datname = '{shop.Lab.Name}' AND backend_type = 'walsender'");
                }
                if (await life) deaths++;
            }
            await writing;
            await running!.KillAsync();
            await running.StartAgainAsync();
            shop.Lab.Database.Clear();
        }
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(1000, 0)");
        var last = new TaskCompletionSource();
        bool isInSnapshot = false;
        await using (Consecutor<string> consecutor = shop.Lab.New(static _ => { }))
        {
            // Behind the source: what has left it when the run is stopped is accepted.
            await using PipelineRun run = (shop.Changes() | Twice | (text =>
            {
                // As a change, or as a row of a snapshot, whose other rows may come behind it.
                isInSnapshot |= text == "1000,0b";
                if (text == "+1000,0.b" || (isInSnapshot && text == ")b")) last.TrySetResult();
                return text;
            }) | consecutor).Start(cancellation: Cancellation);
            await Task.WhenAny(last.Task, run.Completion);
            Assert.True(await run.StopAsync());
            await run.Completion;
        }
        string[] accepted = await shop.Lab.AcceptedAsync();
        SortedDictionary<int, int> model = Applied(accepted);
        Assert.Equal((string)(await shop.Lab.AskAsync("SELECT string_agg(id || ':' || version, ' ' ORDER BY id) FROM orders"))!,
            string.Join(' ', model.Select(static row => $"{row.Key}:{row.Value}")));
        Assert.True(deaths > kills, $"{deaths} deaths.");

        // With heartbeats between the changes, which store positions, too.
        Source<string> Changes() => shop.Changes(options: shop.Options with { HeartbeatInterval = TimeSpan.FromMilliseconds(50) });
    }

    /// <summary>Applies the changes: an insert of a row that is there, a lost version, or half of a pair fails.</summary>
    private static SortedDictionary<int, int> Applied(string[] accepted)
    {
        SortedDictionary<int, int> rows = [];
        bool isSnapshot = false;
        for (int i = 0; i < accepted.Length; i++)
        {
            string text = accepted[i].TrimEnd('a', 'b').TrimEnd('.');
            // Only an interrupted snapshot may end between the two halves of an item.
            if (i + 1 < accepted.Length && accepted[i + 1] == accepted[i][..^1] + "b") i++;
            else Assert.True((isSnapshot || text == "(") && accepted[i + 1] is "(a",
                $"half of {accepted[i]}, then {accepted.ElementAtOrDefault(i + 1)}");
            if (text == "(") (isSnapshot, rows) = (true, []);
            else if (text == ")") isSnapshot = false;
            else if (text[0] == '-') Assert.True(rows.Remove(int.Parse(text[1..])), text);
            else
            {
                int[] row = [.. text.TrimStart('+', '>').Split(',').Select(int.Parse)];
                if (text[0] == '>') Assert.Equal(row[1] - 1, rows[row[0]]);
                else Assert.False(rows.ContainsKey(row[0]), text);
                rows[row[0]] = row[1];
            }
        }
        return rows;
    }

    private static async Task WriteAsync(SourceLab lab, int seed)
    {
        var random = new Random(seed);
        for (int transaction = 0; transaction < 150; transaction++)
        {
            try
            {
                await using NpgsqlConnection connection = await lab.Database.OpenConnectionAsync(Cancellation);
                await using NpgsqlTransaction one = await connection.BeginTransactionAsync(Cancellation);
                for (int change = random.Next(1, 6); change > 0; change--)
                {
                    int id = random.Next(1, Keys);
                    await TableTests.RunAsync(connection, random.Next(3) switch
                    {
                        0 => $"INSERT INTO orders VALUES({id}, 0) ON CONFLICT DO NOTHING",
                        1 => $"UPDATE orders SET version = version + 1 WHERE id = {id}",
                        _ => $"DELETE FROM orders WHERE id = {id} AND version > 3",
                    });
                }
                if (random.Next(5) > 0) await one.CommitAsync(Cancellation);
            }
            catch (NpgsqlException)
            {
                // the connection was killed
            }
        }
    }

    private static IEnumerable<string> Twice(string text) => [$"{text}a", $"{text}b"];
}
