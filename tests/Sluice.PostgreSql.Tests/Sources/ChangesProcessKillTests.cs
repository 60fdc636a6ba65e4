using System.Collections.Concurrent;
using System.Diagnostics;
using Npgsql;
using Sluice.Programs;

namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>
/// A process that follows changes into a store is killed at random moments, and the server of both now and then. A model that takes each
/// change in strictly must end like the table.
/// </summary>
[Long("ChangesKillTests")]
public sealed class ChangesProcessKillTests : IAsyncLifetime
{
    private const int Rows = 20, LivesOfServer = 4;

    private readonly Random random = new(25);
    private PostgresServer? running;
    private SourceLab? shop;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PostgresServer Server => running!;

    private SourceLab Shop => shop!;

    public async ValueTask InitializeAsync()
    {
        running = await LogicalServer.StartAsync("fsync=on");
        shop = await SourceLab.StartAsync("CREATE TABLE orders(id int PRIMARY KEY, version int); "
            + "INSERT INTO orders SELECT n, 0 FROM generate_series(1, 5) n; CREATE PUBLICATION shop FOR TABLE orders", running);
    }

    public async ValueTask DisposeAsync()
    {
        await Shop.DisposeAsync();
        await Server.DisposeAsync();
    }

    /// <summary><c>SLUICE_KILLS=…</c> kills more often; every fourth time the server as well.</summary>
    [Fact]
    public async Task EachChangeIsInTheStoreOnceAndInOrderHoweverOftenItsProcessIsKilled()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("SLUICE_KILLS") ?? "4");
        for (int kill = 1; kill <= kills; kill++) await LiveAsync(random.Next(1, 40), killsServer: kill % LivesOfServer == 0);

        await WriteAsync("INSERT INTO orders VALUES(1000, 0)");
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(Server.Address, cancellation: Cancellation);
        var last = new TaskCompletionSource();
        var seen = new ConcurrentQueue<string>();
        await using Consecutor<string> intake = PostgresProgram.Intake(store, seen.Enqueue);
        await using (PipelineRun run = (PostgresProgram.Changes(Shop.Address, text =>
        {
            if (text == "Insert 1000 0") last.TrySetResult();
        }, static _ => { }) | intake).Start(cancellation: Cancellation))
        {
            await await Task.WhenAny(last.Task, run.Completion);
            Assert.True(await run.StopAsync());
            await run.Completion;
        }
        await intake.StartAsync(Cancellation);
        await intake.WaitForIdleAsync(Cancellation);
        SortedDictionary<int, int> model = Applied([.. seen]);
        Assert.Equal((string)(await Shop.AskAsync("SELECT string_agg(id || ':' || version, ' ' ORDER BY id) FROM orders"))!,
            string.Join(' ', model.Select(static row => $"{row.Key}:{row.Value}")));
        Assert.True(seen.Count > 10 * kills, $"{seen.Count} items.");
    }

    private async Task LiveAsync(int changes, bool killsServer)
    {
        using Process process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Sluice.Programs"),
            ["postgres", "changes", Shop.Address, Server.Address, "sluice"])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            for (int change = 0; change < changes; change++)
            {
                await WriteAsync(random.Next(3) switch
                {
                    0 => $"INSERT INTO orders VALUES({random.Next(1, Rows)}, 0) ON CONFLICT (id) "
                        + "DO UPDATE SET version = orders.version + 1",
                    1 => $"DELETE FROM orders WHERE id = {random.Next(6, Rows)}",
                    _ => $"UPDATE orders SET version = version + 1 WHERE id IN ({random.Next(1, 6)}, {random.Next(1, Rows)})",
                });
                await WriteAsync("UPDATE orders SET version = version + 1 WHERE id = 1");       // so that there is a line
                if (killsServer && change == changes / 2)
                {
                    await Server.KillAsync();
                    await Server.StartAgainAsync();
                    Shop.Database.Clear();
                }
                if (await process.StandardOutput.ReadLineAsync(Cancellation) is null) Assert.Fail($"The process has ended: {await errors}");
            }
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            await errors;
        }
    }

    private async Task WriteAsync(string sql)
    {
        await using NpgsqlConnection connection = await Shop.Database.OpenConnectionAsync(Cancellation);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(Cancellation);
        await using (var command = new NpgsqlCommand(sql, connection, transaction)) await command.ExecuteNonQueryAsync(Cancellation);
        if (random.Next(5) > 0 || sql.EndsWith("id = 1", StringComparison.Ordinal) || sql.Contains("1000", StringComparison.Ordinal))
            await transaction.CommitAsync(Cancellation);
    }

    /// <summary>Applies the changes: an insert of a row that is there, a lost version, or half of a pair fails.</summary>
    private static SortedDictionary<int, int> Applied(string[] accepted)
    {
        SortedDictionary<int, int> rows = [];
        bool isSnapshot = false;
        for (int i = 0; i < accepted.Length; i++)
        {
            string[] words = accepted[i].Split(' ');
            string next = accepted.ElementAtOrDefault(i + 1) ?? "";
            // Only an interrupted snapshot may end between the two halves of an item.
            if (words[^1] == "a" && next == accepted[i][..^1] + "b") i++;
            else Assert.True(isSnapshot && next.StartsWith("SnapshotStarted", StringComparison.Ordinal), $"{accepted[i]}, then {next}");
            if (words[0] == "SnapshotStarted") (isSnapshot, rows) = (true, []);
            else if (words[0] == "SnapshotEnded") isSnapshot = false;
            else if (words[0] == "Delete") Assert.True(rows.Remove(int.Parse(words[1])), accepted[i]);
            else if (words[0] == "Update") Assert.Equal(int.Parse(words[2]), ++rows[int.Parse(words[1])]);
            else Assert.True(rows.TryAdd(int.Parse(words[1]), int.Parse(words[2])), accepted[i]);
        }
        return rows;
    }
}
