using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Sluice.Redis;
using Sluice.Storage;
using StackExchange.Redis;

namespace Sluice.Bench;

/// <summary>
/// The time of an entry from its append to a reader in another process, on an idle server, against an answered
/// <c>XADD</c> of the same bytes.
/// </summary>
internal static class Hop
{
    public const string ReaderOption = "--hop-reader";

    private const string Prefix = "hop";
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(3);
    private static ReaderProcess? reader;
    private static RedisStreamStore? store;
    private static ConnectionMultiplexer? raw;
    private static long sent, epoch;

    public static Scenario Scenario { get; } = new("hop", "append to a reader in another process, idle system; the column is the p50",
    [
        new Comparison("hop", 1_000, 300, static count => count,
        [
            new Variant(Variant.Ours, HopAsync),
            new Variant("xadd-round-trip", RoundTripAsync),
        ]) { WarmCount = 100 },
    ])
    { Finish = Stop };

    /// <summary>The other process: for each number it receives, it reads that many entries and reports the median of their ages.</summary>
    public static async Task ReadAsync(string address, string stream)
    {
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(address, new() { Prefix = Prefix });
        await store.OpenStreamAsync(stream, new() { Partitions = 1 });
        await store.OpenReaderAsync(stream, "reader");
        long seen = await store.WaitForChangeAsync(stream, -1), next = 1;
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } line)
        {
            var ages = new long[int.Parse(line, CultureInfo.InvariantCulture)];
            for (int arrived = 0; arrived < ages.Length;)
            {
                ReadResult read = await store.ReadAsync(new(stream, 0, next));
                long now = Stopwatch.GetTimestamp();
                foreach (Entry entry in read.Entries.Span)
                    ages[arrived++] = now - BinaryPrimitives.ReadInt64LittleEndian(entry.Payload.Span);
                next = read.Next;
                if (read.Entries.Length == 0) seen = await store.WaitForChangeAsync(stream, seen);
            }
            await store.MoveReaderAsync(new(stream, "reader", 0, next));
            Console.WriteLine(Median(ages).ToString(CultureInfo.InvariantCulture));
        }
    }

    private static async Task<Outcome> HopAsync(long count)
    {
        RedisServer server = await BenchServer.GetAsync();
        if (reader is null)
        {
            reader = await ReaderProcess.StartAsync(ReaderOption, server.Address, "trips");
            store = await RedisStreamStore.ConnectAsync(server.Address, new() { Prefix = Prefix });
            await store.OpenStreamAsync("trips", new() { Partitions = 1 });
            epoch = (await store.OpenProducerAsync("trips", "sender")).Epoch;
        }
        await reader.BeginAsync(count.ToString(CultureInfo.InvariantCulture));
        using var pace = new PeriodicTimer(Pace);
        for (long i = 0; i < count; i++)
        {
            await pace.WaitForNextTickAsync();
            using EntryBatch batch = new() { Stream = "trips" };
            batch.Add(Item());
            AppendResult result = await store!.AppendAsync(new("trips", "sender", epoch, ++sent, batch));
            if (result.Status != AppendStatus.Accepted) throw new WrongResultException($"an append was {result.Status}");
        }
        return new(count, await reader.EndAsync());
    }

    private static async Task<Outcome> RoundTripAsync(long count)
    {
        RedisServer server = await BenchServer.GetAsync();
        raw ??= await ConnectionMultiplexer.ConnectAsync(server.Address);
        IDatabase database = raw.GetDatabase();
        var ages = new long[count];
        using var pace = new PeriodicTimer(Pace);
        for (long i = 0; i < count; i++)
        {
            await pace.WaitForNextTickAsync();
            byte[] item = Item();
            long started = Stopwatch.GetTimestamp();
            await database.ExecuteAsync("XADD", "rival", "*", "v", item);
            ages[i] = Stopwatch.GetTimestamp() - started;
        }
        return new(count, Median(ages) * 1e9 / Stopwatch.Frequency);
    }

    private static byte[] Item() => Durable.Item(Stopwatch.GetTimestamp());

    private static long Median(long[] ages)
    {
        Array.Sort(ages);
        return ages[ages.Length / 2];
    }

    private static void Stop()
    {
        reader?.Dispose();
        store?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        raw?.Dispose();
        BenchServer.Stop();
        (reader, store, raw, sent) = (null, null, null, 0);
    }
}
