using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The consecutor whose appends the tests divide, and what a later one finds in its store.</summary>
internal static class DividedWork
{
    public static Consecutor<int> Make(TestClock clock, IStreamStore store, Action<int>? handler = null)
        => new("work", source => source | (handler ?? (static _ => { })),
            Member.Options("me", store, clock) with { Stream = new() { Partitions = 1 }, OnWarning = static _ => { } });

    /// <summary>The items that were accepted, in their order.</summary>
    public static async Task<int[]> ReadAsync(TestClock clock, IStreamStore store)
    {
        var done = new ConcurrentQueue<int>();
        await using Consecutor<int> reading = Make(clock, store, done.Enqueue);
        await reading.StartAsync(TestContext.Current.CancellationToken);
        await reading.WaitForIdleAsync(TestContext.Current.CancellationToken);
        return [.. done];
    }

    /// <summary>The work fails, and by the store's death.</summary>
    public static async Task DiesAsync(Func<Task> work)
        => Assert.Contains(NarrowStore.Failure, (await Assert.ThrowsAnyAsync<Exception>(work)).ToString(), StringComparison.Ordinal);
}
