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

    /// <remarks>The consecutor gives its partitions back for as long as the store takes, and accepted what was sent meanwhile.</remarks>
    [Fact]
    public async Task NothingIsAcceptedAfterAStartThatHasFailed()
    {
        await using var store = new MemoryStreamStore();
        TaskCompletionSource let = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var sink = new Late { Failure = new IOException("no file") };
        sink.Let.SetResult();
        await using var work = new Consecutor<int>("work", source => source | (Sink.Commit(() => sink) | Stage.Named("late")),
            new() { Store = new SlowRelease(store, let.Task), Stream = new() { Partitions = 1 }, Run = new() { Time = new TestClock() } });
        await Assert.ThrowsAsync<PipelineException>(() => work.StartAsync(Cancellation));
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => work.SendAsync(1, Cancellation).AsTask());
        Assert.StartsWith("The consecutor work has failed: nothing can be sent to it any more.", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => work.SendAllAsync([2], Cancellation).AsTask());
        Assert.False(work.Completion.IsCompleted);
        let.SetResult();
        await Assert.ThrowsAsync<PipelineException>(() => work.Completion.WaitAsync(Cancellation));
        Assert.Equal(0, (await store.FindGroupAsync(new("work", "work"), Cancellation))!.Partitions[0].Tail);
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

    /// <remarks>It counted as a failure of the consecutor, also if the token was cancelled before.</remarks>
    [Fact]
    public async Task AStartThatIsCancelledEndsTheConsecutorWithoutAFailure()
    {
        await using var store = new MemoryStreamStore();
        var sink = new Late();
        await using var work = new Consecutor<int>("work", source => source | (Sink.Commit(() => sink) | Stage.Named("late")),
            new() { Store = store, Stream = new() { Partitions = 1 }, Run = new() { Time = new TestClock() } });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work.StartAsync(new(canceled: true)));
        Assert.Equal(ConsecutorStatus.Created, work.Snapshot().Status);

        using var giveUp = new CancellationTokenSource();
        Task start = work.StartAsync(giveUp.Token);
        await sink.Begun.Task.WaitAsync(Cancellation);
        await giveUp.CancelAsync();
        sink.Let.SetResult();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start);
        Assert.Equal("The start of the consecutor work was cancelled, so it has processed nothing. Make another one to start it.",
            cancelled.Message);
        Assert.Equal(giveUp.Token, cancelled.CancellationToken);
        await work.Completion.WaitAsync(Cancellation);
        Assert.Equal(ConsecutorStatus.Stopped, work.Snapshot().Status);
        Assert.True(sink.HasEnded);
        Assert.Empty((await store.FindGroupAsync(new("work", "work"), Cancellation))!.Members);
    }

    private sealed class SlowRelease(IStreamStore inner, Task let) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override async ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
        {
            await let;
            return await base.ReleaseAsync(owner, cancellation);
        }
    }

    private sealed class Late : TransactionalSink<int>
    {
        public Exception? Failure { get; init; }

        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Let { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool HasEnded { get; private set; }

        protected override async ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
        {
            Begun.TrySetResult();
            await Let.Task;
            if (Failure is not null) throw Failure;
        }

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation) => default;

        protected override ValueTask EndAsync()
        {
            HasEnded = true;
            return default;
        }
    }
}
