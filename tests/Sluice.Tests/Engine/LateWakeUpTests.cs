using System.Threading.Tasks.Sources;
using Sluice.Engine;
using Sluice.Pipelines;
using Sluice.Scheduling;
using Sluice.Tests.Pipelines.Operators;

namespace Sluice.Tests.Engine;

/// <summary>Forces interleavings that threads produce only rarely.</summary>
public class LateWakeUpTests
{
    [Fact]
    public void AProducerThatIsWokenTooEarlyGoesOnWaitingForRoom()
    {
        var scheduler = new QueueScheduler();
        var run = new PipelineRun(new RunOptions { Scheduler = scheduler }, new Nothings());
        var ring = new Ring<int>(1);
        var boundary = new Boundary<int>(run, ring, new Waiter(scheduler), 0);
        Assert.True(boundary.PushAsync(1, null).IsCompletedSuccessfully);
        ValueTask second = boundary.PushAsync(2, null);
        boundary.Room.Wake();                        // a wake-up by a consumer that looked before the ring was full
        scheduler.RunUntilIdle();
        Assert.False(second.IsCompleted);
        Assert.Equal(1, ring.Available());
        Assert.Equal(1, ring.Take(out _));
        ring.PublishHead();
        boundary.Room.Wake();
        scheduler.RunUntilIdle();
        Assert.True(second.IsCompletedSuccessfully);
        Assert.Equal(1, ring.Available());
        Assert.Equal(2, ring.Take(out _));
    }

    [Fact]
    public async Task ARangeContinuesWhenAPushCompletesBetweenTwoChecks()
    {
        List<long> seen = [];
        await new LateSource(Source.Range(0, 10)).ForEach(seen.Add).RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread });
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], seen);
    }

    private sealed class Nothings : IBlueprint
    {
        public void Build(RunBuilder builder) { }
    }

    private sealed class LateSource(Source<long> upstream) : Source<long>
    {
        internal override bool CrossesThreads => upstream.CrossesThreads;

        internal override Source<long> Rewrite(Rewriter rewriter) => new LateSource(upstream.Rewrite(rewriter));

        internal override void Build(RunBuilder builder, Inlet<long> next) => upstream.Build(builder, new Late(next));
    }

    /// <summary>Every push is pending when its status is read first, and has completed at the second read.</summary>
    private sealed class Late : Inlet<long>, IValueTaskSource
    {
        private readonly Inlet<long> next;
        private int asked;

        public Late(Inlet<long> next) => (this.next, Node) = (next, next.Node);

        public override ValueTask PushAsync(long item, Ticket? ticket)
        {
            ValueTask pushed = next.PushAsync(item, ticket);
            Assert.True(pushed.IsCompletedSuccessfully);
            asked = 0;
            return new(this, 0);
        }

        public void GetResult(short token) { }

        public ValueTaskSourceStatus GetStatus(short token)
            => asked++ == 0 ? ValueTaskSourceStatus.Pending : ValueTaskSourceStatus.Succeeded;

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
            => continuation(state);

        protected override ValueTask OnCompleteAsync() => next.CompleteAsync();
    }
}
