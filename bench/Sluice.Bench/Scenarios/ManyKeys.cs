using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Sluice.Diagnostics;
using Sluice.Redis;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Bench;

/// <summary>
/// A balance for each of 1,000,000 accounts in the store, used at random, against 10,000 accounts, which all fit in memory.
/// </summary>
internal static class ManyKeys
{
    private const int Partitions = 4;
    private const int Many = 1_000_000;
    private const int Few = 10_000;
    private const int RowsAtOnce = 1000;
    private const int ItemsAtOnce = 1024;

    private static readonly Dictionary<(string Kind, int Keys), IStreamStore> filled = [];
    private static readonly List<Scratch> directories = [];
    private static readonly List<int> keysOf = [];           // of the stores in the directories

    public static Scenario Scenario { get; } = new("many-keys",
        $"{Durable.ItemBytes} bytes an item: a balance for random ones of {Many:N0} keys in {Partitions} partitions, against {Few:N0} keys",
    [
        new Comparison("many-keys-sqlite", 100_000, 20_000, Numbers.ExpectedSum,
        [
            new Variant(Variant.Ours, count => SqliteAsync(count, Many)),
            new Variant("few keys", count => SqliteAsync(count, Few)),
        ]) { WarmCount = 5_000 },
        new Comparison("many-keys-redis", 100_000, 20_000, Numbers.ExpectedSum,
        [
            new Variant(Variant.Ours, count => RedisAsync(count, Many)),
            new Variant("few keys", count => RedisAsync(count, Few)),
        ]) { WarmCount = 5_000 },
    ])
    { Finish = End };

    private static async Task<Outcome> SqliteAsync(long count, int keys)
    {
        if (!filled.TryGetValue(("sqlite", keys), out IStreamStore? store))
        {
            var directory = new Scratch();
            directories.Add(directory);
            keysOf.Add(keys);
            store = await FillAsync("sqlite", await SqliteStreamStore.OpenAsync(directory.File, Durability.Process), keys);
        }
        return await RunAsync(store, count, keys);
    }

    private static async Task<Outcome> RedisAsync(long count, int keys)
    {
        if (!filled.TryGetValue(("redis", keys), out IStreamStore? store))
            store = await FillAsync("redis", await RedisStreamStore.ConnectAsync((await BenchServer.GetAsync()).Address,
                new() { Prefix = $"keys{keys}" }), keys);
        return await RunAsync(store, count, keys);
    }

    // Each run continues with the store of the one before.
    private static async Task<Outcome> RunAsync(IStreamStore store, long count, int keys)
    {
        long sum = 0;
        await using Consecutor<byte[]> consecutor = Make(store, keys, number => sum += number);
        await consecutor.StartAsync();
        long before = consecutor.Snapshot().Completed;
        long started = Stopwatch.GetTimestamp();
        for (long from = 0; from < count; from += ItemsAtOnce)
            await consecutor.SendAllAsync([.. Enumerable.Range(0, (int)Math.Min(ItemsAtOnce, count - from))
                .Select(i => Durable.Item(from + i))]);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync();
        double elapsed = Stopwatch.GetElapsedTime(started).TotalNanoseconds;
        await consecutor.StopAsync();
        return new(end.Completed - before == count ? sum : double.NaN, elapsed / count);
    }

    private static void End()
    {
        PrintAsync().GetAwaiter().GetResult();
        foreach (IStreamStore store in filled.Values) store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        foreach (Scratch directory in directories) directory.Dispose();
        BenchServer.Stop();
    }

    /// <summary>Prints what the stores take: the files of SQLite; the memory and the append-only file of the server.</summary>
    private static async Task PrintAsync()
    {
        for (int i = 0; i < directories.Count; i++)
            Print($"many-keys-sqlite store of {keysOf[i]:N0} keys", directories[i].Bytes);
        if (filled.Keys.Any(static one => one.Kind == "redis"))
        {
            RedisServer server = await BenchServer.GetAsync();
            Print("many-keys-redis server memory", await BenchServer.InfoAsync("used_memory"));
            Print("many-keys-redis files", new DirectoryInfo(server.Data).EnumerateFiles("*", SearchOption.AllDirectories)
                .Sum(static file => file.Length));
        }
        Print("many-keys memory of this process", Environment.WorkingSet);

        static void Print(string what, double bytes)
            => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {what,-44} {bytes / 1048576,10:F1} MB"));
    }

    // The store of a consecutor that has seen each key once.
    private static async Task<IStreamStore> FillAsync(string kind, IStreamStore store, int keys)
    {
        GroupId group = new("balances", "balances");
        await store.OpenStreamAsync(group.Stream, new() { Partitions = Partitions, MaxItems = long.MaxValue });
        await store.AddGroupAsync(group);
        ILookup<int, string> byPartition = Enumerable.Range(0, keys).Select(KeyOf)
            .ToLookup(static key => EntryKey.Of(key).PartitionOf(Partitions));
        byte[] one = Encoding.UTF8.GetBytes("1");
        foreach (IGrouping<int, string> partition in byPartition)
        {
            Ownership owner = (await store.AcquireAsync(group, partition.Key, new("filler"))).Ownership;
            long number = 0;
            foreach (string[] some in partition.Chunk(RowsAtOnce))
                await store.CommitAsync(new(owner, ++number) { State = [.. some.Select(key => new StateRow("balance", key, 0, one))] });
            await store.ReleaseAsync(owner);
        }
        return filled[(kind, keys)] = store;
    }

    private static Consecutor<byte[]> Make(IStreamStore store, int keys, Action<long> sink)
        => new("balances", source => source | StageNode.Of(static () => new Balance()) | Stage.Named("balance")
        | (item => sink(NumberOf(item))),
            new()
            {
                Store = store,
                Delivery = DeliveryGuarantee.Replay(3),
                Stream = new() { Partitions = Partitions, MaxItems = long.MaxValue }
            })
        { Key = item => KeyOf((int)((ulong)NumberOf(item) * 11400714819323198485UL >> 20) % keys) };

    private static string KeyOf(int number) => string.Create(CultureInfo.InvariantCulture, $"account-{Math.Abs(number)}");

    private static long NumberOf(byte[] item) => BinaryPrimitives.ReadInt64LittleEndian(item);

    private sealed class Balance : StatefulStageNode<byte[], byte[], decimal>
    {
        protected override ValueTask ProcessAsync(byte[] item, Output<byte[]> output, CancellationToken cancellation)
        {
            State += 1;
            return output.PushAsync(item);
        }
    }
}
