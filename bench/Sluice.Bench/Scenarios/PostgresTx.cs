using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Sluice.PostgreSql;

namespace Sluice.Bench;

/// <summary>
/// Transactions of an application in PostgreSQL, each of which writes a row of its own and sends an item of 100 bytes; eight at once, with
/// <c>fsync</c> on. The rival writes a row of an outbox by hand, over the same connections; the other one also notifies. Then: the time
/// from the commit to the handler, idle, against <c>NOTIFY</c> in the transaction.
/// </summary>
internal static class PostgresTx
{
    private const int Senders = 8;
    private const string Payload = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";

    private const string Prepared = ";Max Auto Prepare=20;Auto Prepare Min Usages=2";

    private static readonly Lazy<Task<PostgresServer>> Server = new(StartAsync);
    private static int schemas;

    public static Scenario Scenario { get; } = new("postgres-tx",
        $"an item of 100 bytes in the application's transaction, {Senders} at once, fsync on; against an outbox row by hand",
    [
        new Comparison("postgres-tx", 4_000, 2_000, static count => count,
        [
            new Variant(Variant.Ours, count => OursAsync(count)),
            new Variant("outbox-row", count => ByHandAsync(count, "INSERT INTO outbox(body) VALUES ($1)")),
            new Variant("outbox-notify",
                count => ByHandAsync(count, "WITH i AS (INSERT INTO outbox(body) VALUES ($1)) SELECT pg_notify('outbox', '')")),
        ]) { WarmCount = 200 },
        new Comparison("postgres-tx-prepared", 4_000, 2_000, static count => count,
        [
            new Variant(Variant.Ours, count => OursAsync(count, Prepared)),
            new Variant("outbox-row", count => ByHandAsync(count, "INSERT INTO outbox(body) VALUES ($1)", Prepared)),
        ]) { WarmCount = 200 },
        new Comparison("postgres-tx-wake", 200, 40, static count => count,
        [
            new Variant(Variant.Ours, WakeAsync),
            new Variant("notify-round-trip", NotifyAsync),
        ]) { WarmCount = 20 },
    ])
    { Finish = Stop };

    private static async Task<Outcome> OursAsync(long count, string more = "")
    {
        await using PostgresStreamStore store = await OpenAsync();
        await using var items = Items(store, static _ => { });
        long elapsed = await RunAsync(count, (_, transaction) => items.SendAsync(Payload, transaction), more);
        return new((await store.FindStreamAsync("items"))!.Appended, (double)elapsed / count);
    }

    private static async Task<Outcome> ByHandAsync(long count, string insert, string more = "")
    {
        await AskAsync("TRUNCATE outbox");
        long elapsed = await RunAsync(count, async (connection, _) =>
        {
            await using var command = new NpgsqlCommand(insert, connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Payload });
            await command.ExecuteNonQueryAsync();
        }, more);
        return new((long)(await AskAsync("SELECT count(*) FROM outbox"))!, (double)elapsed / count);
    }

    private static async Task<long> RunAsync(long count, Func<NpgsqlConnection, NpgsqlTransaction, Task> send, string more)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create((await Server.Value).Address + more);
        long left = count, started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Senders).Select(_ => Task.Run(async () =>
        {
            await using NpgsqlConnection connection = await source.OpenConnectionAsync();
            while (Interlocked.Decrement(ref left) >= 0)
            {
                await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync();
                await using (var command = new NpgsqlCommand("INSERT INTO own(text) VALUES ('row')", connection))
                    await command.ExecuteNonQueryAsync();
                await send(connection, transaction);
                await transaction.CommitAsync();
            }
        })));
        return (long)Stopwatch.GetElapsedTime(started).TotalNanoseconds;
    }

    // From the return of the commit to the handler; the median, because a flush of the disk is now and then late.
    private static async Task<Outcome> WakeAsync(long count)
    {
        await using PostgresStreamStore store = await OpenAsync();
        TaskCompletionSource handled = new();
        await using var items = Items(store, _ => handled.TrySetResult());
        await items.StartAsync();
        Outcome outcome = await MeasureAsync(count, async transaction =>
        {
            handled = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await items.SendAsync(Payload, transaction);
        }, () => handled.Task);
        await items.WaitForIdleAsync();
        return outcome;
    }

    private static async Task<Outcome> NotifyAsync(long count)
    {
        await AskAsync("TRUNCATE outbox");
        await using var listener = new NpgsqlConnection((await Server.Value).Address);
        await listener.OpenAsync();
        await using (var listen = new NpgsqlCommand("LISTEN outbox", listener)) await listen.ExecuteNonQueryAsync();
        return await MeasureAsync(count, async transaction =>
        {
            await using var command = new NpgsqlCommand("WITH i AS (INSERT INTO outbox(body) VALUES ($1)) SELECT pg_notify('outbox', '')",
                transaction.Connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Payload });
            await command.ExecuteNonQueryAsync();
        }, async () =>
        {
            await listener.WaitAsync();
            await using var take = new NpgsqlCommand("DELETE FROM outbox RETURNING body", listener);
            if (await take.ExecuteScalarAsync() is not string) throw new WrongResultException("the row is missing");
        });
    }

    private static async Task<Outcome> MeasureAsync(long count, Func<NpgsqlTransaction, Task> send, Func<Task> arrive)
    {
        await using var connection = new NpgsqlConnection((await Server.Value).Address);
        await connection.OpenAsync();
        var times = new List<double>();
        for (long i = 0; i < count; i++)
        {
            await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync();
            await send(transaction);
            await transaction.CommitAsync();
            long committed = Stopwatch.GetTimestamp();
            await arrive();
            times.Add(Stopwatch.GetElapsedTime(committed).TotalNanoseconds);
        }
        times.Sort();
        return new(count, times[times.Count / 2]);
    }

    private static Consecutor<string> Items(PostgresStreamStore store, Action<string> handle)
        => new("items", source => source | handle, new() { Store = store, Stream = new() { MaxItems = long.MaxValue } });

    private static async Task<PostgresStreamStore> OpenAsync() => await PostgresStreamStore.OpenAsync((await Server.Value).Address,
        new() { Schema = string.Create(CultureInfo.InvariantCulture, $"bench{++schemas}") });

    private static async Task<object?> AskAsync(string text) => await (await Server.Value).AskAsync(text);

    private static async Task<PostgresServer> StartAsync()
    {
        PostgresServer server = await PostgresServer.StartAsync("fsync=on", "full_page_writes=on", "autovacuum_naptime=5s");
        await server.AskAsync("CREATE TABLE own(id bigserial PRIMARY KEY, text text); "
            + "CREATE TABLE outbox(id bigserial PRIMARY KEY, body text); "
            + "GRANT ALL ON ALL TABLES IN SCHEMA public TO sluice; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO sluice");
        return server;
    }

    private static void Stop()
    {
        if (Server.IsValueCreated) Server.Value.GetAwaiter().GetResult().DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
