using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A consecutor of numbers whose commits are looked at, over any store.</summary>
internal static class CommitLab
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>One partition, and two attempts.</summary>
    public static ConsecutorOptions Options(IStreamStore store) => new()
    {
        Store = store,
        Process = new(),
        Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
        Stream = new() { Partitions = 1 }
    };

    /// <summary>Sends the numbers from zero, and waits until each has completed, or is one of so many that died.</summary>
    public static async Task RunAsync(Consecutor<int> numbers, int count, long dead)
    {
        await numbers.SendAllAsync([.. Enumerable.Range(0, count)], Cancellation);
        await numbers.StartAsync(Cancellation);
        ConsecutorSnapshot end = await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal((count - dead, dead, 0L, null), (end.Completed, end.Dead, end.Unaccounted, end.Problem));
    }
}
