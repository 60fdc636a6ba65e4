using Npgsql;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Functions in the transactions of commits, while servers and consumers are killed: each takes effect once.</summary>
[Long("FunctionTests; TransactionKillTests")]
public sealed class FunctionKillTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary><c>SLUICE_KILLS=…</c> kills more often.</summary>
    [Fact]
    public async Task EachFunctionTakesEffectOnceWhateverIsKilled()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("SLUICE_KILLS") ?? "2");
        await using PostgresServer server = await PostgresServer.StartAsync("fsync=on");
        await server.AskAsync("CREATE TABLE number(n int); CREATE TABLE total(sum bigint); INSERT INTO total VALUES (0); "
            + "GRANT ALL ON number, total TO sluice");
        for (int i = 0; i <= kills; i++)
        {
            await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address,
                new() { Timeout = TimeSpan.FromMinutes(1), OnWarning = static _ => { } }, Cancellation);
            await using var numbers = new Consecutor<int>("numbers", source => source
                | Sink.OfAsync<int>(static (n, context, _) =>
                {
                    // What it reads, another commit may not change meanwhile.
                    context.InTransaction<NpgsqlTransaction>(async (transaction, cancellation) =>
                    {
                        await ExecuteAsync(transaction, $"UPDATE total SET sum = sum + {n}", cancellation);
                        await ExecuteAsync(transaction, $"INSERT INTO number VALUES({n})", cancellation);
                    });
                    return default;
                }), new()
                {
                    Store = store,
                    Process = new(),
                    Delivery = DeliveryGuarantee.Replay(5, Backoff.None),
                    LeaseDuration = TimeSpan.FromSeconds(1),
                    Stream = new() { Partitions = 4 },
                })
            { Key = static n => $"{n % 16}" };
            await numbers.StartAsync(Cancellation);
            await numbers.SendAllAsync([.. Enumerable.Range(300 * i, 300)], Cancellation);
            await ByHand.UntilAsync(server, $"SELECT count(*) > {300 * i} FROM number");
            if (i < kills && i % 2 == 0)
            {
                await server.AskAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'sluice'");
                continue;                            // disposed without a stop
            }
            if (i < kills)
            {
                await server.KillAsync();
                await server.StartAgainAsync();
                continue;
            }
            ConsecutorSnapshot end = await numbers.WaitForIdleAsync(Cancellation);
            Assert.Equal((0L, 0L), (end.Dead, end.Pending));
        }
        long sent = 300 * (kills + 1);
        Assert.Equal($"{sent} {sent}", await server.AskAsync("SELECT count(*) || ' ' || count(DISTINCT n) FROM number"));
        Assert.Equal(sent * (sent - 1) / 2, await server.AskAsync("SELECT sum FROM total"));
    }

    private static async Task ExecuteAsync(NpgsqlTransaction transaction, string text, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(text, transaction.Connection, transaction);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
