using System.Collections.Concurrent;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Sequences without end, sequences that fail in the middle, and small streams; and the errors and warnings of senders to a
/// consecutor that takes nothing.</summary>
public class SendingSequenceTests
{
    private const int Part = 4096;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnEndlessSequenceIsAcceptedInPartsUntilTheTokenIsCancelled(bool hasStore)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await using MemoryStreamStore? store = hasStore ? new() : null;
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new()
        {
            Store = store,
            Run = new() { Time = new TestClock() }   // no part ends by time
        });
        await consecutor.StartAsync(Cancellation);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => consecutor.SendAllAsync(Endless(), stop.Token).AsTask());

        Assert.Equal(2 * Part, (await consecutor.WaitForIdleAsync(Cancellation)).Completed);

        IEnumerable<int> Endless()
        {
            for (int n = 0; ; n++)
            {
                if (n == (2 * Part) + 5) stop.Cancel();
                yield return n;
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheFailureOfASequenceSaysHowManyItemsAreAccepted(bool hasStore)
    {
        await using MemoryStreamStore? store = hasStore ? new() : null;
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new() { Store = store });
        await consecutor.StartAsync(Cancellation);

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => consecutor.SendAllAsync(Failing(), Cancellation).AsTask());

        Assert.Equal("The sequence that is sent to numbers has failed after 4,098 items, which are accepted: disk gone", failure.Message);
        Assert.IsType<IOException>(failure.InnerException);
        Assert.Equal(Part + 2, (await consecutor.WaitForIdleAsync(Cancellation)).Completed);

        static IEnumerable<int> Failing()
        {
            for (int n = 0; n < Part + 2; n++) yield return n;
            throw new IOException("disk gone");
        }
    }

    [Fact]
    public async Task ASlowSequenceDoesNotHoldItsItemsBack()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new()
        {
            Store = store,
            Run = new() { Time = clock }
        });

        await consecutor.SendAllAsync(Slow(), Cancellation);

        IEnumerable<int> Slow()
        {
            yield return 1;
            clock.Advance(TimeSpan.FromMilliseconds(100));
            yield return 2;
            Assert.Equal(2, consecutor.Snapshot().Accepted);
        }
    }

    [Fact]
    public async Task AnAppendHasAQuarterOfASmallBoundAtMost()
    {
        await using var store = new Watched();
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new()
        {
            Store = store,
            Stream = new() { Partitions = 1, MaxItems = 10 }
        });
        Task sending = consecutor.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation).AsTask();
        await store.IsFull.Task.WaitAsync(Cancellation);
        Assert.Equal((10L, false), (consecutor.Snapshot().Accepted, sending.IsCompleted));

        await consecutor.StartAsync(Cancellation);
        await sending;

        Assert.Equal(100, (await consecutor.WaitForIdleAsync(Cancellation)).Completed);
        Assert.InRange(store.Longest, 1, 2);
    }

    [Fact]
    public async Task AFullStreamThatNobodyHasStartedIsWarnedOf()
    {
        var clock = new TestClock();
        var warnings = new ConcurrentQueue<string>();
        await using var store = new Watched(clock);
        await using var consecutor = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new()
        {
            Store = store,
            Stream = new() { Partitions = 1, MaxItems = 1 },
            Run = new() { Time = clock },
            OnWarning = warnings.Enqueue
        });
        await consecutor.SendAsync(1, Cancellation);
        Task second = consecutor.SendAsync(2, Cancellation).AsTask();
        await store.IsFull.Task.WaitAsync(Cancellation);
        await Member.UntilAsync(() => consecutor.Core.Sends.IsWaiting);           // from then on it counts the time
        clock.Advance(TimeSpan.FromSeconds(4));
        Assert.Empty(warnings);
        clock.Advance(TimeSpan.FromSeconds(2));
        await Member.UntilAsync(() => !warnings.IsEmpty);            // the store is asked first which members run

        Assert.Equal(["Sends wait for room: the stream numbers is full, and none of the items in flight (0) has ended since. This "
            + "process has not started the consecutor. Call StartAsync: until then the sends wait."], warnings);
        await consecutor.StartAsync(Cancellation);
        await second;
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Single(warnings);
    }

    /// <summary>A process that only sends never starts the consecutor: other members make room.</summary>
    [Fact]
    public async Task AFullStreamOfOtherMembersIsNoReasonToStartTheSender()
    {
        var clock = new TestClock();
        var warned = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var store = new Watched(clock);
        await using var sender = new Consecutor<int>("numbers", source => source.ForEach(_ => { }), new()
        {
            Store = store,
            Stream = new() { Partitions = 1, MaxItems = 1 },
            Run = new() { Time = clock },
            OnWarning = warned.SetResult
        });
        await sender.SendAsync(1, Cancellation);
        await store.HeartbeatAsync(new(new("numbers", "numbers"), "worker", "1", TimeSpan.FromSeconds(30)), Cancellation);
        Task second = sender.SendAsync(2, Cancellation).AsTask();
        await store.IsFull.Task.WaitAsync(Cancellation);
        await Member.UntilAsync(() => sender.Core.Sends.IsWaiting);           // from then on it counts the time
        clock.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal("Sends wait for room: the stream numbers is full. The consecutor runs elsewhere (worker), and ends no items, or too "
            + "few: `sluice top` shows its backlog and its members.", await warned.Task.WaitAsync(Cancellation));
        await sender.DisposeAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => second);
    }

    [Fact]
    public async Task ASenderLearnsWhyTheConsecutorHasFailed()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source | StageNode.Of(() => new Unready()),
            new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        await Assert.ThrowsAnyAsync<Exception>(() => consecutor.Completion.WaitAsync(Cancellation));

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => consecutor.SendAsync(1, Cancellation).AsTask());

        Assert.StartsWith("The consecutor numbers has failed: nothing can be sent to it any more. ", failure.Message,
            StringComparison.Ordinal);
        Assert.EndsWith("no model file", failure.Message, StringComparison.Ordinal);
        Assert.NotNull(failure.InnerException);
    }

    private sealed class Unready : SinkNode<int>
    {
        protected override ValueTask BeginAsync(CancellationToken cancellation) => throw new IOException("no model file");

        protected override ValueTask ProcessAsync(int item, CancellationToken cancellation) => default;
    }

    private sealed class Watched(TimeProvider? time = null) : StreamStoreWrapper(new MemoryStreamStore(time ?? TimeProvider.System))
    {
        private int refusals;

        public int Longest { get; private set; }

        /// <summary>The sender waits for room: it tries twice before.</summary>
        public TaskCompletionSource IsFull { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            AppendResult result = await base.AppendAsync(request, cancellation);
            if (result.Status == AppendStatus.Accepted) Longest = Math.Max(Longest, request.Entries.Count);
            else if (++refusals == 2) IsFull.TrySetResult();
            return result;
        }
    }
}
