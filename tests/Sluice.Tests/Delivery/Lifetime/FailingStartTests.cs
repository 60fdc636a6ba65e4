using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A consecutor that fails while it starts.</summary>
public class FailingStartTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>The start went on, began a sink that was ended already, and returned.</remarks>
    [Fact]
    public async Task TheStartThrowsAndItsSinkIsEnded()
    {
        await using var store = new MemoryStreamStore();
        var clock = new TestClock();
        var sink = new Late();
        await using var work = new Consecutor<int>("work", source => source | (Sink.Commit(() => sink) | Stage.Named("late")),
            new() { Store = store, Stream = new() { Partitions = 1 }, Run = new() { Time = clock } });
        Task start = work.StartAsync(Cancellation);
        await sink.Begun.Task.WaitAsync(Cancellation);
        await store.DisposeAsync();
        while (work.Snapshot().Status != ConsecutorStatus.Failed)
        {
            clock.Advance(TimeSpan.FromSeconds(1));          // a heartbeat finds the store closed
            await Task.Yield();
        }
        sink.Let.SetResult();
        await Assert.ThrowsAsync<InvalidOperationException>(() => start);
        await Assert.ThrowsAsync<InvalidOperationException>(() => work.Completion);
        Assert.True(sink.HasEnded);
    }

    /// <remarks>The end waited for the end of the start, which never came, for the lease duration.</remarks>
    [Fact]
    public async Task AFailureBeforeTheStartEndsTheConsecutorAtOnce()
    {
        var store = new MemoryStreamStore();
        await using var work = new Consecutor<int>("work", source => source | (_ => { }),
            new() { Store = store, LeaseDuration = TimeSpan.FromHours(1), Run = new() { Time = new TestClock() } });
        await store.DisposeAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => work.SendAsync(1, Cancellation).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => work.Completion.WaitAsync(Cancellation));
    }

    private sealed class Late : TransactionalSink<int>
    {
        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Let { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool HasEnded { get; private set; }

        protected override async ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
        {
            Begun.TrySetResult();
            await Let.Task;
        }

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation) => default;

        protected override ValueTask EndAsync()
        {
            HasEnded = true;
            return default;
        }
    }
}
