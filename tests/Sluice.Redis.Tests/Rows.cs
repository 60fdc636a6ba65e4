using System.Globalization;
using System.Text;
using Sluice.Storage;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>Short helpers for calls on a store.</summary>
internal static class Rows
{
    public const string Orders = "orders";
    public const string Results = "results";
    public static readonly GroupId Main = new(Orders, "main");

    public static EntryBatch Batch(params string[] payloads)
    {
        var batch = new EntryBatch();
        foreach (string payload in payloads) batch.Add(Encoding.UTF8.GetBytes(payload));
        return batch;
    }

    public static async Task<AppendResult> AppendAsync(this IStreamStore store, long sequence, params string[] payloads)
    {
        using EntryBatch batch = Batch(payloads);
        return await store.AppendAsync(new(Orders, "p", 0, sequence, batch));
    }

    /// <summary>Streams of one partition: orders with a group, and results.</summary>
    public static async Task PrepareAsync(this IStreamStore store)
    {
        await store.OpenStreamAsync(Orders, new() { Partitions = 1 });
        await store.OpenStreamAsync(Results, new() { Partitions = 1 });
        await store.AddGroupAsync(Main);
    }

    public static async Task<string[]> ReadAsync(this IStreamStore store, string stream)
        => [.. (await store.ReadAsync(new ReadRequest(stream, 0, 1))).Entries.ToArray()
        .Select(entry => Encoding.UTF8.GetString(entry.Payload.Span))];

    /// <summary>Acquires the partition, leases its entries, and returns the commit that settles them with one output.</summary>
    public static async Task<StoreCommit> WorkAsync(this IStreamStore store, EntryBatch output)
    {
        Ownership owner = (await store.AcquireAsync(Main, 0, new("m"))).Ownership;
        Entry[] entries = (await store.LeaseAsync(new([owner]))).Batches.Single().Entries.ToArray();
        return new(owner, 1) { Settled = [new(entries[0].Sequence, entries[^1].Sequence)], Outputs = [new(Results, output)] };
    }

    /// <summary>The number of connections that get messages of changes.</summary>
    public static async Task<long> ListenersAsync(this RedisStreamStore store)
    {
        var answer = (RedisResult[]?)await store.Connection.Database.ExecuteAsync("PUBSUB", "NUMSUB", store.Connection.Channel);
        return (long)answer![1];
    }

    /// <summary>The number of calls of store functions that the server has counted.</summary>
    public static async Task<long> CallsAsync(this RedisStreamStore store)
    {
        var info = (string?)await store.Connection.Database.ExecuteAsync("INFO", "commandstats");
        return info!.Split('\n').Where(line => line.StartsWith("cmdstat_fcall", StringComparison.Ordinal))
            .Sum(line => long.Parse(line.Split("calls=")[1].Split(',')[0], CultureInfo.InvariantCulture));
    }
}
