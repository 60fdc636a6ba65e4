using System.Collections.Concurrent;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A program that does not await StartAsync, and ends: whatever the start has done is given back, and one warning says why nothing
/// was processed.</summary>
public class StopDuringStartTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AStopCutsAStartShortAtAnyOfItsCalls(bool isDisposed)
    {
        int call = 0;
        while (await IsCutShortAtAsync(call++, isDisposed)) ;
        Assert.InRange(call, 9, 100);
    }

    /// <remarks>A start waits for the end of a consecutor that has failed, which may take as long as its store needs.</remarks>
    [Fact]
    public async Task AStopCutsAStartShortThatWaitsForItsFailedPredecessor()
    {
        await using var memory = new MemoryStreamStore();
        var store = new ClosingStore(memory);
        Consecutor<int> failing = Make();
        await failing.StartAsync(Cancellation);
        store.IsClosed = true;
        await failing.SendAsync(1, Cancellation);
        await store.Released.Task.WaitAsync(Cancellation);
        Consecutor<int> next = Make();
        Task start = next.StartAsync(Cancellation);
        Assert.False(start.IsCompleted);
        await next.DisposeAsync();
        var cut = await Assert.ThrowsAsync<OperationCanceledException>(() => start.WaitAsync(TimeSpan.FromMinutes(1), Cancellation));
        Assert.Contains("was stopped or disposed while it started", cut.Message, StringComparison.Ordinal);
        store.Let.SetResult();
        await Assert.ThrowsAsync<InvalidOperationException>(() => failing.Completion);

        Consecutor<int> Make() => new("numbers", static source => source.ForEach(static _ => { }),
            new() { Store = store, InstanceId = "one", OnWarning = static _ => { } });
    }

    /// <returns>Whether a start makes so many calls.</returns>
    private static async Task<bool> IsCutShortAtAsync(int call, bool isDisposed)
    {
        await using var memory = new MemoryStreamStore();
        var store = new FrozenStore(memory) { FreezesAt = call };
        ConcurrentQueue<string> warnings = new();
        var consecutor = new Consecutor<int>("numbers", static source => source.ForEach(static _ => { }),
            new() { Store = store, OnWarning = warnings.Enqueue });
        Task start = consecutor.StartAsync(Cancellation);
        Task stuck = store.Stuck.WaitAsync(Cancellation);
        await Task.WhenAny(start, stuck);
        store.FreezesAt = int.MaxValue;
        Task end = isDisposed ? consecutor.DisposeAsync().AsTask() : consecutor.StopAsync(cancellation: Cancellation);
        store.Thaw();
        await end;
        await consecutor.Completion.WaitAsync(Cancellation);
        // Later calls are made beside the start. It may end a moment after the consecutor.
        Exception? cut = await Record.ExceptionAsync(() => start);
        bool isCut = cut is not null;
        if (isCut)
        {
            var failure = Assert.IsType<OperationCanceledException>(cut);
            Assert.Equal("The consecutor numbers was stopped or disposed while it started, so it has processed nothing. Await StartAsync "
                + "first. What was accepted stays in a durable store for the next start.", failure.Message);
            Assert.Equal([failure.Message], warnings);
        }
        await consecutor.DisposeAsync();

        await using var next = new Consecutor<int>("numbers", static source => source.ForEach(static _ => { }), new() { Store = memory });
        await next.StartAsync(Cancellation);
        await next.SendAsync(1, Cancellation);
        Assert.Equal(1, (await next.WaitForIdleAsync(Cancellation)).Completed);
        return isCut;
    }

    /// <summary>Fails leases as a disposed store does, and does not answer releases.</summary>
    private sealed class ClosingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public volatile bool IsClosed;

        public TaskCompletionSource Released { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Let { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
            => IsClosed ? throw new ObjectDisposedException("store") : base.LeaseAsync(request, cancellation);

        public override ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default)
            => IsClosed ? throw new ObjectDisposedException("store") : base.GetTimeAsync(cancellation);

        public override async ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
        {
            Released.TrySetResult();
            await Let.Task;
            return await base.ReleaseAsync(owner, cancellation);
        }
    }
}
