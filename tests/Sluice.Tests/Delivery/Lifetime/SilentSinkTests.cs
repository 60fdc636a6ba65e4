using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A consecutor is stopped while a call of its sink does not return. The store is well.</summary>
public sealed class SilentSinkTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<string> warnings = new();
    private readonly SilentSink sink = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => sink.Answer();

    [Theory]
    [InlineData("BeginAsync", false)]
    [InlineData("PrepareAsync", false)]
    [InlineData("PrepareAsync", true)]
    [InlineData("CommittedAsync", false)]
    [InlineData("EndAsync", false)]
    [InlineData("EndAsync", true)]
    public async Task TheStopGivesThePartitionsBackAndNamesTheSink(string silent, bool isBlocking)
    {
        (sink.Silent, sink.IsBlocking) = (silent, isBlocking);
        await using var store = new MemoryStreamStore(clock);
        Consecutor<int> work = Make(store);
        Task start = work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        if (silent != "EndAsync") await sink.Called.Task.WaitAsync(Patience, Cancellation);
        else await work.WaitForIdleAsync(Cancellation);
        await EndsInTimeAsync(work);
        var late = await Assert.ThrowsAsync<TimeoutException>(() => work.Completion);
        Assert.Equal($"The consecutor work has stopped, and {silent} of the sink table has not returned. Its partitions were given back, "
            + "and items in flight are started again. A sink ends when its call has returned.", late.Message);
        Assert.Contains(late.Message, Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal(silent == "BeginAsync", !start.IsCompleted);
        await AssertIsFreeAsync(store);

        // The late answer ends the sink, once, and nothing else is called.
        sink.Answer();
        await sink.Ended.Task.WaitAsync(Patience, Cancellation);
        Assert.Equal(0, sink.Overlaps);
    }

    /// <remarks>An acquired partition begins the sinks anew, under the lock of all moves of partitions.</remarks>
    [Fact]
    public async Task TheStopGivesTheOtherPartitionsBackIfTheSinkDoesNotBeginForOne()
    {
        await using var store = new MemoryStreamStore(clock);
        Consecutor<int> work = Make(store);
        await work.StartAsync(Cancellation);
        sink.Silent = "BeginAsync";
        AcquireResult stolen = await store.AcquireAsync(Member.Group, 1, new("thief"), Cancellation);
        await store.ReleaseAsync(stolen.Ownership, Cancellation);
        while (!sink.Called.Task.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        await EndsInTimeAsync(work);
        var late = await Assert.ThrowsAsync<TimeoutException>(() => work.Completion);
        Assert.Contains("BeginAsync of the sink table has not returned", late.Message, StringComparison.Ordinal);
        GroupInfo group = (await store.FindGroupAsync(Member.Group, Cancellation))!;
        Assert.Empty(group.Members);
        Assert.Null(group.Partitions[0].Owner);
    }

    private static async Task AssertIsFreeAsync(MemoryStreamStore store)
    {
        GroupInfo group = (await store.FindGroupAsync(Member.Group, Cancellation))!;
        Assert.Empty(group.Members);
        Assert.All(group.Partitions, static partition => Assert.Null(partition.Owner));
    }

    /// <remarks>At 9 s items are cancelled, and the run ends. The last half of a second is for the store.</remarks>
    private async Task EndsInTimeAsync(Consecutor<int> work)
    {
        Task stopping = Task.Run(() => work.StopAsync(TimeSpan.FromSeconds(10), CancellationToken.None), Cancellation);
        await Member.UntilAsync(() => work.Snapshot().Status != ConsecutorStatus.Running);
        clock.Advance(TimeSpan.FromSeconds(9));
        await Member.UntilAsync(() => work.Snapshot().Run is { Status: RunStatus.Cancelled } || stopping.IsCompleted)
            .WaitAsync(Patience, Cancellation);
        clock.Advance(TimeSpan.FromSeconds(0.8));
        await stopping.WaitAsync(Patience, Cancellation);
    }

    private Consecutor<int> Make(IStreamStore store)
        => new("work", source => source | (Sink.Commit(() => sink) | Stage.Named("table")),
            Member.Options("one", store, clock, partitions: 2) with { OnWarning = warnings.Enqueue });

    /// <summary>One of its methods does not return, and ignores its token.</summary>
    private sealed class SilentSink : TransactionalSink<int>
    {
        private readonly TaskCompletionSource answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int running;

        public volatile string? Silent;
        public volatile bool IsBlocking;
        public volatile int Overlaps;

        public TaskCompletionSource Called { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Answer() => answer.TrySetResult();

        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => CallAsync(nameof(BeginAsync));

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
            => CallAsync(nameof(PrepareAsync));

        protected override ValueTask CommittedAsync(SinkCommit<int> commit, CancellationToken cancellation)
            => CallAsync(nameof(CommittedAsync));

        protected override async ValueTask EndAsync()
        {
            await CallAsync(nameof(EndAsync));
            Ended.TrySetResult();
        }

        private async ValueTask CallAsync(string method)
        {
            if (Interlocked.Increment(ref running) > 1) Overlaps++;
            if (method == Silent)
            {
                Called.TrySetResult();
                if (IsBlocking) answer.Task.Wait(CancellationToken.None);
                else await answer.Task;
            }
            Interlocked.Decrement(ref running);
        }
    }
}
