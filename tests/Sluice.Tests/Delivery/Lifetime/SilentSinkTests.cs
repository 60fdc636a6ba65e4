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
        await EndsInTimeAsync(work, store);
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
        await EndsInTimeAsync(work, store);
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

    /// <remarks>The sink still has what is left of the deadline after the partitions were given back.</remarks>
    [Fact]
    public async Task ASinkEndsUntilTheDeadlineAfterCodeThatIgnoresItsToken()
    {
        sink.Silent = "EndAsync";
        await using var store = new MemoryStreamStore(clock);
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously), never = new();
        var work = new Consecutor<int>("work", source => source | HandleAsync | (Sink.Commit(() => sink) | Stage.Named("table")),
            Member.Options("one", store, clock, partitions: 2) with { OnWarning = warnings.Enqueue });
        await work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        await work.WaitForIdleAsync(Cancellation);
        await work.SendAsync(2, Cancellation);
        await begun.Task.WaitAsync(Patience, Cancellation);
        Task stopping = Task.Run(() => work.StopAsync(TimeSpan.FromSeconds(10), CancellationToken.None), Cancellation);
        await Member.UntilAsync(() => work.Snapshot().Status != ConsecutorStatus.Running);
        clock.Advance(TimeSpan.FromSeconds(9.8));
        await sink.Called.Task.WaitAsync(Patience, Cancellation);
        await UntilFreeAsync(store);
        for (int i = 0; i < 100; i++) await Member.NextAsync();
        Assert.False(stopping.IsCompleted);
        sink.Answer();
        await stopping.WaitAsync(Patience, Cancellation);
        await work.Completion;
        Assert.Contains("that does not heed its CancellationToken still runs", Assert.Single(warnings), StringComparison.Ordinal);

        async ValueTask<int> HandleAsync(int item, CancellationToken cancellation)
        {
            if (item == 1) return item;
            begun.TrySetResult();
            await never.Task;
            return item;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ASinkHearsTheOutcomeOfItsCommitBeforeItEnds(bool isApplied)
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new SlowStore(memory) { IsApplied = isApplied };
        Consecutor<int> work = Make(store);
        await work.StartAsync(Cancellation);
        await work.SendAsync(1, Cancellation);
        await store.Called.Task.WaitAsync(Patience, Cancellation);
        Task stopping = Task.Run(() => work.StopAsync(TimeSpan.FromSeconds(10), CancellationToken.None), Cancellation);
        await Member.UntilAsync(() => work.Snapshot().Status != ConsecutorStatus.Running);
        clock.Advance(TimeSpan.FromSeconds(9.8));
        await UntilFreeAsync(memory);
        Assert.False(sink.Ended.Task.IsCompleted);
        store.Answer.SetResult();
        await stopping.WaitAsync(Patience, Cancellation);
        await work.Completion;
        Assert.Equal([isApplied ? "CommittedAsync" : "VoidedAsync", "EndAsync"], sink.Calls.TakeLast(2));
    }

    private static async Task UntilFreeAsync(MemoryStreamStore store)
    {
        while ((await store.FindGroupAsync(Member.Group, Cancellation).AsTask().WaitAsync(Patience, Cancellation))!.Members.Count > 0)
            await Member.PollAsync();
    }

    /// <remarks>At 9 s items are cancelled, and the run ends. The last quarter of a second is for the releases, and for a sink that has not
    /// ended.</remarks>
    private async Task EndsInTimeAsync(Consecutor<int> work, MemoryStreamStore store)
    {
        Task stopping = Task.Run(() => work.StopAsync(TimeSpan.FromSeconds(10), CancellationToken.None), Cancellation);
        await Member.UntilAsync(() => work.Snapshot().Status != ConsecutorStatus.Running);
        await sink.Called.Task.WaitAsync(Patience, Cancellation);
        clock.Advance(TimeSpan.FromSeconds(9));
        await Member.UntilAsync(() => work.Snapshot().Run is { Status: RunStatus.Cancelled } || stopping.IsCompleted)
            .WaitAsync(Patience, Cancellation);
        clock.Advance(TimeSpan.FromSeconds(0.8));
        await UntilFreeAsync(store);
        clock.Advance(TimeSpan.FromSeconds(0.2));
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

        public ConcurrentQueue<string> Calls { get; } = new();

        public TaskCompletionSource Called { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Answer() => answer.TrySetResult();

        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => CallAsync(nameof(BeginAsync));

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
            => CallAsync(nameof(PrepareAsync));

        protected override ValueTask CommittedAsync(SinkCommit<int> commit, CancellationToken cancellation)
            => CallAsync(nameof(CommittedAsync));

        protected override ValueTask VoidedAsync(SinkCommit<int> commit, CancellationToken cancellation)
            => CallAsync(nameof(VoidedAsync));

        protected override async ValueTask EndAsync()
        {
            await CallAsync(nameof(EndAsync));
            Ended.TrySetResult();
        }

        private async ValueTask CallAsync(string method)
        {
            Calls.Enqueue(method);
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

    /// <summary>Answers commits late.</summary>
    private sealed class SlowStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public bool IsApplied { get; init; }

        public TaskCompletionSource Called { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            CommitResult? applied = IsApplied ? await base.CommitAsync(commit, cancellation) : null;
            Called.TrySetResult();
            await Answer.Task;
            return applied ?? await base.CommitAsync(commit, cancellation);
        }
    }
}
