using System.Collections.Concurrent;
using System.Diagnostics;
using Sluice.Sqlite;

namespace Sluice.Bench;

/// <summary>
/// The time from opening a store to the first replayed item, with many and with few pending items. The bytes column shows the allocations
/// of that.
/// </summary>
internal static class Recover
{
    private const long Few = 1_000;

    // Filled once; a recovery gives back the items that it has leased.
    private static readonly ConcurrentDictionary<long, Lazy<Task<Scratch>>> Stores = new();

    public static Scenario Scenario { get; } = new("recover",
        "from opening the store to the first replayed item, 1 M pending against 1,000",
    [
        new Comparison("recover", 1_000_000, 200_000, static _ => 1,
        [
            new Variant(Variant.Ours, RecoverAsync),
            new Variant("recover-small", static _ => RecoverAsync(Few)),
        ]) { WarmCount = 5_000, Items = static _ => 1 },
    ])
    { Finish = DeleteAsync };

    private static async Task<Outcome> RecoverAsync(long pending)
    {
        Scratch directory = await Stores.GetOrAdd(pending, count => new(() => FillAsync(count))).Value;
        var first = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);

        long started = Stopwatch.GetTimestamp();
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File, Durability.Power);
        await using var consecutor = new Consecutor<byte[]>("recover", source => source | HoldAsync, new() { Store = store });
        await consecutor.StartAsync();
        long elapsed = await first.Task - started;
        return new Outcome(1, elapsed * 1e9 / Stopwatch.Frequency);

        // Only the first item counts; the others go back, so that the next measurement finds the same store.
        Task HoldAsync(byte[] item, CancellationToken cancellation)
        {
            first.TrySetResult(Stopwatch.GetTimestamp());
            return Task.Delay(Timeout.Infinite, cancellation);
        }
    }

    private static async Task<Scratch> FillAsync(long count)
    {
        var directory = new Scratch();
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File, Durability.Process);
        await using var consecutor = new Consecutor<byte[]>("recover", source => source | (static (byte[] _) => { }), new()
        {
            Store = store,
            Stream = new() { MaxItems = long.MaxValue, MaxBytes = long.MaxValue },
        });
        const int AtOnce = 4096;
        for (long i = 0; i < count; i += AtOnce)
            await consecutor.SendAllAsync([.. Enumerable.Range(0, (int)Math.Min(AtOnce, count - i)).Select(at => Durable.Item(i + at))]);
        return directory;
    }

    private static void DeleteAsync()
    {
        foreach (Lazy<Task<Scratch>> store in Stores.Values) store.Value.GetAwaiter().GetResult().Dispose();
        Stores.Clear();
    }
}
