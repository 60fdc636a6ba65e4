using System.Buffers.Binary;
using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Sqlite;

namespace Sluice.Bench;

/// <summary>
/// Items of 100 bytes that are accepted durably (they survive a power failure), pass three stages, and are settled. The rivals only insert
/// the same rows: 4,096 in a transaction, or as many as the senders can have on their way, because each waits for its item. Bytes written
/// are those of the whole process, as the system counts them.
/// </summary>
internal static class Durable
{
    public const int ItemBytes = 100;

    public const int Senders = 256;
    private const int Batches = 4;
    private const int BatchSize = 1024;

    public static Scenario Scenario { get; } = new("durable",
        $"{ItemBytes} bytes an item: durable, through 3 stages, settled; power-safe SQLite",
    [
        new Comparison("durable", 500_000, 60_000, Numbers.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, count => ConsecutorAsync(count, Senders, SendOneByOneAsync)),
            Variant.Of(RawSqlite.Name, RawSqlite.Insert),
            Variant.Of(RawSqlite.WithAsManyInFlight, RawSqlite.InsertAsManyInFlight),
        ]) { WarmCount = 40_000 },
        new Comparison("durable-batch", 500_000, 60_000, Numbers.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, count => ConsecutorAsync(count, Batches, SendInBatchesAsync)),
            Variant.Of(RawSqlite.Name, RawSqlite.Insert),
        ]) { WarmCount = 40_000 },
        new Comparison("durable-single", 2_000, 200, Numbers.ExpectedSum,
        [
            new Variant(Variant.Ours, LoneAsync),
            new Variant("raw-commit", count => Task.FromResult(RawSqlite.InsertOneByOne(count))),
        ]) { WarmCount = 100 },
        new Comparison("durable-start", 20, 5, static count => count,
        [
            new Variant(Variant.Ours, static count => StartAsync(count, 64)),
            new Variant("256-partitions", static count => StartAsync(count, 256)),
            new Variant("one-partition", static count => StartAsync(count, 1)),
        ]) { WarmCount = 5 },
    ])
    { Finish = BytesWritten.Print };

    private static async Task<double> ConsecutorAsync(long count, int senders, Func<Consecutor<byte[]>, long, long, Task> sendAsync)
    {
        using var directory = new Scratch();
        using var written = BytesWritten.Measure(senders == Batches ? "durable-batch sluice" : "durable sluice", count);
        long sum = 0;
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File, Durability.Power);
        await using Consecutor<byte[]> consecutor = Make(store, number => sum += number);
        await consecutor.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, senders).Select(sender =>
            Task.Run(() => sendAsync(consecutor, count * sender / senders, count * (sender + 1) / senders))));
        ConsecutorSnapshot books = await consecutor.WaitForIdleAsync();
        await consecutor.StopAsync();
        return books.Completed == count ? sum : double.NaN;
    }

    private static async Task<Outcome> LoneAsync(long count)
    {
        using var directory = new Scratch();
        long sum = 0;
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File, Durability.Power);
        await using Consecutor<byte[]> consecutor = Make(store, number => Interlocked.Add(ref sum, number));
        await consecutor.StartAsync();
        var ticks = new long[count];
        for (long i = 0; i < count; i++)
        {
            byte[] item = Item(i);
            long started = Stopwatch.GetTimestamp();
            await consecutor.SendAsync(item);
            ticks[i] = Stopwatch.GetTimestamp() - started;
            await consecutor.WaitForIdleAsync();            // lone: no other item is in flight
        }
        Array.Sort(ticks);
        return new Outcome(sum, ticks[count / 2] * 1e9 / Stopwatch.Frequency);
    }

    // The median of the starts of a consecutor whose stream is new.
    private static async Task<Outcome> StartAsync(long count, int partitions)
    {
        var ticks = new long[count];
        for (int i = 0; i < count; i++)
        {
            using var directory = new Scratch();
            await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File, Durability.Power);
            await using Consecutor<byte[]> consecutor = new("durable", static source => source | Whole | (static _ => { }),
                new() { Store = store, Stream = new() { Partitions = partitions } });
            long started = Stopwatch.GetTimestamp();
            await consecutor.StartAsync();
            ticks[i] = Stopwatch.GetTimestamp() - started;
        }
        Array.Sort(ticks);
        return new Outcome(count, ticks[count / 2] * 1e9 / Stopwatch.Frequency);
    }

    public static Consecutor<byte[]> Make(SqliteStreamStore store, Action<long> sink)
        => new("durable", source => source | Whole | (static bytes => BinaryPrimitives.ReadInt64LittleEndian(bytes))
        | (static number => number + 1) | (number => sink(number - 1)),
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(3) });

    public static byte[] Whole(byte[] item) => item.Length == ItemBytes ? item : throw new ArgumentException($"{item.Length} bytes");

    public static async Task SendOneByOneAsync(Consecutor<byte[]> consecutor, long from, long to)
    {
        for (long i = from; i < to; i++) await consecutor.SendAsync(Item(i));
    }

    private static async Task SendInBatchesAsync(Consecutor<byte[]> consecutor, long from, long to)
    {
        for (long i = from; i < to; i += BatchSize)
        {
            var batch = new byte[Math.Min(BatchSize, to - i)][];
            for (int at = 0; at < batch.Length; at++) batch[at] = Item(i + at);
            await consecutor.SendAllAsync(batch);
        }
    }

    public static byte[] Item(long number)
    {
        var item = new byte[ItemBytes];
        BinaryPrimitives.WriteInt64LittleEndian(item, number);
        return item;
    }
}
