using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Delivery;

/// <summary>Calls of a consecutor that nobody awaits, and that overlap.</summary>
public class OverlappingCallsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly TestClock clock = new();

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

    [Fact]
    public async Task TwoDisposalsAtTheSameTimeBothEnd()
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new FrozenStore(memory);
        Consecutor<int> sends = New(store);
        await sends.SendAsync(1, Cancellation);
        store.Freeze();
        Task first = sends.DisposeAsync().AsTask();
        await store.Stuck.WaitAsync(Patience, Cancellation);          // the store is told that the sender has ended
        Task second = sends.DisposeAsync().AsTask();
        Assert.False(first.IsCompleted || second.IsCompleted);
        store.Thaw();
        await Task.WhenAll(first, second).WaitAsync(Patience, Cancellation);
    }

    [Fact]
    public async Task TheDisposalOfAFailedConsecutorWaitsForAHangingStoreForAShortTime()
    {
        await using var memory = new MemoryStreamStore(clock);
        var hooked = new HookedStore(memory);
        var store = new FrozenStore(hooked);
        Consecutor<int> fails = New(store);
        await fails.SendAsync(1, Cancellation);
        hooked.BeforeOpen = _ => Task.FromException(new StreamStoreException("No disk."));
        await Assert.ThrowsAsync<StreamStoreException>(() => fails.StartAsync(Cancellation));
        await Assert.ThrowsAsync<StreamStoreException>(() => fails.Completion);
        store.Freeze();
        Task disposing = fails.DisposeAsync().AsTask();
        await store.Stuck.WaitAsync(Patience, Cancellation);
        clock.Advance(TimeSpan.FromSeconds(2));
        await disposing.WaitAsync(Patience, Cancellation);
        store.Thaw();
    }

    private Consecutor<int> New(IStreamStore store) => new("orders", source => source.ForEach(_ => { }),
        new() { Store = store, OnWarning = _ => { }, Run = new() { Time = clock } });
}
