using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Sluice.PostgreSql;
using Sluice.Storage;

namespace Sluice.Bench;

/// <summary>
/// The time of an entry from its append to a reader in another process, on an idle server. The rival inserts the same bytes and notifies in
/// one statement; its reader, in the same other process, selects the row when it is notified. Both flush the disk before the reader hears.
/// </summary>
internal static class PostgresHop
{
    public const string ReaderOption = "--postgres-hop-reader";

    private const string Rival = "insert-notify";
    private const string Stream = "trips";
    private const string Insert = "WITH i AS (INSERT INTO trip(body) VALUES ($1)) SELECT pg_notify('trip', '')";
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);

    private static ReaderProcess? reader;
    private static PostgresStreamStore? store;
    private static NpgsqlConnection? raw;
    private static long sent, epoch;

    public static Scenario Scenario { get; } = new("postgres-hop",
        "append to a reader in another process, idle PostgreSQL, fsync on; the column is the p50; against INSERT with NOTIFY by hand",
    [
        new Comparison("postgres-hop", 1_000, 100, static count => count,
        [
            new Variant(Variant.Ours, count => TripAsync(Variant.Ours, AppendAsync, count)),
            new Variant(Rival, count => TripAsync(Rival, InsertAsync, count)),
        ]) { WarmCount = 20 },
    ])
    { Finish = Stop };

    /// <summary>
    /// The other process: for each line with a variant and a number it reads that many entries, and reports the median of their ages.
    /// </summary>
    public static async Task ReadAsync(string address, string schema)
    {
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(address, new() { Schema = schema });
        await store.OpenReaderAsync(Stream, "reader");
        long seen = await store.WaitForChangeAsync(Stream, -1), next = 1, last = 0;
        await using var connection = new NpgsqlConnection(address);
        await connection.OpenAsync();
        await using (var listen = new NpgsqlCommand("LISTEN trip", connection)) await listen.ExecuteNonQueryAsync();
        await using var select = new NpgsqlCommand("SELECT id, body FROM trip WHERE id > $1 ORDER BY id", connection);
        var after = new NpgsqlParameter<long>();
        select.Parameters.Add(after);
        await select.PrepareAsync();
        Console.WriteLine("ready");
        while (Console.ReadLine()?.Split(' ') is [var variant, var number])
        {
            List<long> ages = [];
            int count = int.Parse(number, CultureInfo.InvariantCulture);
            while (ages.Count < count)
                if (variant == Rival) await SelectAsync();
                else await ReadOwnAsync();
            ages.Sort();
            Console.WriteLine(ages[count / 2].ToString(CultureInfo.InvariantCulture));

            async Task ReadOwnAsync()
            {
                ReadResult read = await store.ReadAsync(new(Stream, 0, next));
                long now = Stopwatch.GetTimestamp();
                foreach (Entry entry in read.Entries.Span) ages.Add(now - BinaryPrimitives.ReadInt64LittleEndian(entry.Payload.Span));
                next = read.Next;
                if (read.Entries.Length == 0) seen = await store.WaitForChangeAsync(Stream, seen);
            }

            async Task SelectAsync()
            {
                await connection.WaitAsync();
                after.TypedValue = last;
                await using NpgsqlDataReader rows = await select.ExecuteReaderAsync();
                while (await rows.ReadAsync())
                {
                    last = rows.GetInt64(0);
                    ages.Add(Stopwatch.GetTimestamp() - BinaryPrimitives.ReadInt64LittleEndian(rows.GetFieldValue<byte[]>(1)));
                }
            }
        }
    }

    private static async Task<Outcome> TripAsync(string variant, Func<byte[], Task> send, long count)
    {
        if (reader is null) await StartAsync();
        await reader!.BeginAsync(string.Create(CultureInfo.InvariantCulture, $"{variant} {count}"));
        using var pace = new PeriodicTimer(Pace);
        for (long i = 0; i < count; i++)
        {
            await pace.WaitForNextTickAsync();
            await send(Durable.Item(Stopwatch.GetTimestamp()));
        }
        return new(count, await reader.EndAsync());
    }

    private static async Task AppendAsync(byte[] item)
    {
        using EntryBatch batch = new() { Stream = Stream };
        batch.Add(item);
        AppendResult result = await store!.AppendAsync(new(Stream, "sender", epoch, ++sent, batch));
        if (result.Status != AppendStatus.Accepted) throw new WrongResultException($"an append was {result.Status}");
    }

    private static async Task InsertAsync(byte[] item)
    {
        await using var command = new NpgsqlCommand(Insert, raw);
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = item });
        await command.PrepareAsync();
        await command.ExecuteNonQueryAsync();
    }

    private static async Task StartAsync()
    {
        string address = (await PostgresBench.GetAsync()).Address, schema = PostgresBench.NewSchema();
        await PostgresBench.ExecuteAsync("CREATE TABLE trip(id bigserial PRIMARY KEY, body bytea); "
            + "GRANT ALL ON trip, trip_id_seq TO sluice");
        store = await PostgresStreamStore.OpenAsync(address, new() { Schema = schema });
        await store.OpenStreamAsync(Stream, new() { Partitions = 1 });
        epoch = (await store.OpenProducerAsync(Stream, "sender")).Epoch;
        raw = (await PostgresBench.ConnectAsync(1))[0];
        reader = await ReaderProcess.StartAsync(ReaderOption, address, schema);
    }

    private static void Stop()
    {
        reader?.Dispose();
        store?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        raw?.Dispose();
        PostgresBench.Stop();
        (reader, store, raw, sent) = (null, null, null, 0);
    }
}
