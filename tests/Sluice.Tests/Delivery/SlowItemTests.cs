using Sluice.Diagnostics;

namespace Sluice.Tests.Delivery;

/// <summary>An item that takes long takes its lane, and no other.</summary>
public class SlowItemTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: nothing comes out of a sink, but its items had an order, so the input waited for the slow one.</remarks>
    [Fact]
    public async Task ASinkInLanesHasNoOrder()
    {
        const int Items = 40;
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var others = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int ended = 0;
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("orders",
            source => source | (n => n) | Stage.Parallel(2) | BookAsync | Stage.Parallel(2),
            new() { Store = store, Run = new() { MaxBufferedItems = 4 } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(0, Items), Cancellation);

        await others.Task.WaitAsync(Patience, Cancellation);
        release.SetResult();
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal(Items, end.Completed);

        async Task BookAsync(int number)
        {
            if (number == 0) await release.Task;
            else if (Interlocked.Increment(ref ended) == Items - 1) others.SetResult();
        }
    }

    /// <remarks>Regression: a lease of half of MaxInFlight was filled from the first partition, so two of them took all room.</remarks>
    [Fact]
    public async Task TwoKeysWithSlowItemsLeaveRoomForOthers()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var other = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<string>("orders", source => source | WorkAsync | Stage.Parallel(64),
            new() { Store = store, MaxInFlight = 64 })
        { Key = static tenant => tenant };
        foreach (string slow in (string[])["slow-1", "slow-2"])
            await consecutor.SendAllAsync(Enumerable.Repeat(slow, 200), Cancellation);
        await consecutor.SendAsync("other", Cancellation);
        await consecutor.StartAsync(Cancellation);

        await other.Task.WaitAsync(Patience, Cancellation);
        release.SetResult();
        await consecutor.WaitForIdleAsync(Cancellation);

        async Task WorkAsync(string tenant)
        {
            if (tenant == "other") other.SetResult();
            else await release.Task;
        }
    }

    /// <remarks>Regression: the input waited until half of the items were out, also if the others were slow and lanes were idle.</remarks>
    [Fact]
    public async Task IdleLanesGetItemsThoughMoreThanHalfOfThemAreSlow()
    {
        const int Lanes = 8, Slow = 6, Items = 40;
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var others = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int ended = 0;
        Pipeline pipeline = Source.From(Enumerable.Range(0, Items)) | WorkAsync | Stage.Parallel(Lanes).Unordered | (_ => { });
        Task run = pipeline.RunAsync(new RunOptions { MaxBufferedItems = 1 }, Cancellation);

        await others.Task.WaitAsync(Patience, Cancellation);
        release.SetResult();
        await run;

        async Task<int> WorkAsync(int number)
        {
            if (number < Slow) await release.Task;
            else if (Interlocked.Increment(ref ended) == Items - Slow) others.SetResult();
            return number;
        }
    }
}
