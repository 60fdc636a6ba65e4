using System.Buffers.Binary;
using System.Diagnostics;
using Npgsql;
using Sluice.Diagnostics;
using Sluice.PostgreSql;
using Sluice.Storage;

namespace Sluice.Bench;

/// <summary>
/// Items of 100 bytes in PostgreSQL, accepted durably for 256 senders; then also leased, passed through three stages, put out to
/// another consecutor's stream, and committed. The rival inserts the same bytes by hand: 256 rows a transaction, in one statement that is
/// prepared, over as many connections as the store has for writing. Two more have no more rows on their way than the senders.
/// </summary>
internal static class Postgres
{
    public const string Rival = "unnest-by-hand";

    private const int RowsPerTransaction = 256;

    // The rival has four times as many rows on their way as the senders have, each of whom waits for its item. These have as many.
    private static readonly Variant OneConnection = new("unnest-1-by-256", static count => InsertAsync(count, 1, Durable.Senders));
    private static readonly Variant AllConnections = new($"unnest-{PostgresBench.Writers}-by-{Durable.Senders / PostgresBench.Writers}",
        static count => InsertAsync(count, PostgresBench.Writers, Durable.Senders / PostgresBench.Writers));

    public static Scenario Scenario { get; } = new("postgres",
        $"{Durable.ItemBytes} bytes an item on PostgreSQL, {Durable.Senders} senders, fsync on: through 3 stages and put out; appended "
            + $"only; against INSERT … SELECT unnest of {RowsPerTransaction} rows",
    [
        new Comparison("postgres", 200_000, 30_000, Numbers.ExpectedSum,
        [
            new Variant(Variant.Ours, static count => PostgresBench.WithStoreAsync(store => ThroughAsync(store, count))),
            new Variant(Rival, static count => InsertAsync(count, PostgresBench.Writers, RowsPerTransaction)),
            OneConnection, AllConnections,
        ]) { WarmCount = 5_000 },
        new Comparison("postgres-append", 200_000, 30_000, Numbers.ExpectedSum,
        [
            new Variant(Variant.Ours, static count => PostgresBench.WithStoreAsync(store => AppendAsync(store, count))),
            new Variant(Rival, static count => InsertAsync(count, PostgresBench.Writers, RowsPerTransaction)),
            OneConnection, AllConnections,
        ]) { WarmCount = 5_000 },
    ])
    { Finish = PostgresBench.Stop };

    public static Consecutor<byte[]> Make(IStreamStore store, string name, Action<long> handle, bool hasOutput)
    {
        ConsecutorOptions options = new() { Store = store, Stream = new() { MaxItems = long.MaxValue, MaxBytes = long.MaxValue } };
        return hasOutput
            ? new(name, source => source | Durable.Whole | Read | (static item => item) | Sink.Output<byte[]>("next"), options)
            : new(name, source => source | Durable.Whole | Read | (static _ => { }), options);

        byte[] Read(byte[] item)
        {
            handle(BinaryPrimitives.ReadInt64LittleEndian(item));
            return item;
        }
    }

    public static Task SendAsync(Consecutor<byte[]> items, long count) => Task.WhenAll(Enumerable.Range(0, Durable.Senders)
        .Select(sender => Task.Run(() => Durable.SendOneByOneAsync(items, count * sender / Durable.Senders,
            count * (sender + 1) / Durable.Senders))));

    private static async Task<Outcome> ThroughAsync(PostgresStreamStore store, long count)
    {
        long sum = 0;
        await using Consecutor<byte[]> last = Make(store, "last", static _ => { }, hasOutput: false);
        await using Consecutor<byte[]> first = Make(store, "first", number => sum += number, hasOutput: true);
        first.Output<byte[]>("next").To(last);
        await first.StartAsync();
        await first.SendAsync(Durable.Item(0));
        await first.WaitForIdleAsync();
        long started = Stopwatch.GetTimestamp();
        await SendAsync(first, count);
        ConsecutorSnapshot books = await first.WaitForIdleAsync();
        double elapsed = Stopwatch.GetElapsedTime(started).TotalNanoseconds;
        await first.StopAsync();
        long put = (await store.FindStreamAsync("last"))!.Appended;
        return new(books.Completed == count + 1 && put == count + 1 ? sum : double.NaN, elapsed / count);
    }

    private static async Task<Outcome> AppendAsync(PostgresStreamStore store, long count)
    {
        await using Consecutor<byte[]> items = Make(store, "items", static _ => { }, hasOutput: false);
        await items.SendAsync(Durable.Item(0));
        long started = Stopwatch.GetTimestamp();
        await SendAsync(items, count);
        double elapsed = Stopwatch.GetElapsedTime(started).TotalNanoseconds;
        long appended = (await store.FindStreamAsync("items"))!.Appended;
        return new(appended == count + 1 ? Numbers.ExpectedSum(count) : double.NaN, elapsed / count);
    }

    private static async Task<Outcome> InsertAsync(long count, int writers, int rowsPerTransaction)
    {
        await PostgresBench.ExecuteAsync("DROP TABLE IF EXISTS rival; CREATE TABLE rival(id bigserial PRIMARY KEY, body bytea); "
            + "GRANT ALL ON rival, rival_id_seq TO sluice");
        NpgsqlConnection[] connections = await PostgresBench.ConnectAsync(writers);
        long next = 0, started = Stopwatch.GetTimestamp();
        await Task.WhenAll(connections.Select(connection => Task.Run(async () =>
        {
            await using var command = new NpgsqlCommand("INSERT INTO rival(body) SELECT * FROM unnest($1)", connection);
            var rows = new NpgsqlParameter<byte[][]>();
            command.Parameters.Add(rows);
            rows.TypedValue = [];
            await command.PrepareAsync();
            for (long from; (from = Interlocked.Add(ref next, rowsPerTransaction) - rowsPerTransaction) < count;)
            {
                var bodies = new byte[Math.Min(rowsPerTransaction, count - from)][];
                for (int i = 0; i < bodies.Length; i++) bodies[i] = Durable.Item(from + i);
                rows.TypedValue = bodies;
                await command.ExecuteNonQueryAsync();
            }
        })));
        double elapsed = Stopwatch.GetElapsedTime(started).TotalNanoseconds;
        await PostgresBench.CloseAsync(connections);
        return new(await PostgresBench.CountAsync("rival") == count ? Numbers.ExpectedSum(count) : double.NaN, elapsed / count);
    }
}
