using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Delivery;

/// <summary>Calls of a consecutor that nobody awaits, and that overlap.</summary>
public class OverlappingCallsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AWaitForIdleWaitsForAStartAndForSendsThatAreUnderWay(bool sendsAll)
    {
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var memory = new MemoryStreamStore();
        var store = new HookedStore(memory) { BeforeOpen = opened.Task.WaitAsync };
        await using var consecutor = new Consecutor<int>("orders", source => source.ForEach(_ => { }), new() { Store = store });

        Task starting = consecutor.StartAsync(Cancellation);
        Task[] sending = sendsAll ? [consecutor.SendAllAsync([1, 2, 3, 4, 5], Cancellation).AsTask()]
            : [.. Enumerable.Range(1, 5).Select(n => consecutor.SendAsync(n, Cancellation).AsTask())];
        Task<ConsecutorSnapshot> idle = consecutor.WaitForIdleAsync(Cancellation);
        Assert.False(idle.IsCompleted);
        opened.SetResult();

        Assert.Equal(5, (await idle).Completed);
        await Task.WhenAll([starting, .. sending]);
    }

    [Fact]
    public async Task AWaitForIdleFailsWithAStartThatFails()
    {
        await using var memory = new MemoryStreamStore();
        var store = new HookedStore(memory) { BeforeOpen = _ => Task.FromException(new StreamStoreException("No disk.")) };
        await using var consecutor = new Consecutor<int>("orders", source => source.ForEach(_ => { }), new() { Store = store });
        Task starting = consecutor.StartAsync(Cancellation);
        Assert.Equal("No disk.", (await Assert.ThrowsAsync<StreamStoreException>(() => consecutor.WaitForIdleAsync(Cancellation))).Message);
        await Assert.ThrowsAsync<StreamStoreException>(() => starting);
    }
}
