using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Sluice.Tests.Pipelines;

/// <summary>Keys whose state was removed take no memory, in a pipeline that runs for a long time.</summary>
public class RemovedStateTests
{
    private const int Keys = 20_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AKeyWhoseStateWasRemovedIsFreed(bool isAsync)
    {
        List<WeakReference> bags = new(Keys);
        int alive = -1;
        List<int> seen = [];
        await (Source.From(Numbers()) | Stage.KeyBy(static (int n) => $"{n % Keys}") | StageNode.Of(() => new Counting(bags, isAsync))
            | seen.Add).RunAsync(new() { Mode = ExecutionMode.SingleThread }, TestContext.Current.CancellationToken);
        Assert.InRange(alive, 0, Keys / 100);
        Assert.Equal(Keys + 1, seen.Count);
        Assert.All(seen, static count => Assert.Equal(1, count));          // a key that comes again begins anew

        async IAsyncEnumerable<int> Numbers([EnumeratorCancellation] CancellationToken cancellation = default)
        {
            for (int n = 0; n <= Keys; n++)
            {
                yield return n;
                if (n % 100 == 0) await Task.Yield();
            }
            GC.Collect();
            alive = bags.Count(static bag => bag.IsAlive);
        }
    }

    /// <summary>A state that is changed in place, behind its removal: by the same item, and by the next one of the key.</summary>
    [Fact]
    public async Task WhatIsChangedBehindARemovalIsANewState()
    {
        List<string> seen = [];
        await (Source.From([1, 2, 3, 4, 5]) | Stage.KeyBy(static (int n) => "all", 1)
            | StageNode.Of(static () => new Threes(isBefore: true)) | seen.Add)
            .RunAsync(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(["1 2 3", "3 4 5"], seen);      // what closes a list begins the next one
    }

    /// <remarks>Regression: the items of one round have one commit, which removed the state of the last ones.</remarks>
    [Fact]
    public async Task ARemovalInTheMiddleOfARoundDoesNotTakeTheNextItemsAlong()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        ConcurrentQueue<string> seen = [];
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source
            | StageNode.Of(static () => new Threes(isBefore: false)) | Stage.Named("threes") | seen.Enqueue,
            new() { Store = store, Stream = new() { Partitions = 1 } });
        await consecutor.StartAsync(cancellation);
        await consecutor.TrySendAllAsync([1, 2, 3, 4], cancellation: cancellation);
        await consecutor.WaitForIdleAsync(cancellation);
        await consecutor.TrySendAllAsync([5, 6], cancellation: cancellation);
        await consecutor.WaitForIdleAsync(cancellation);
        Assert.Equal(["1 2 3", "4 5 6"], seen);
    }

    private sealed class Threes(bool isBefore) : StatefulStageNode<int, string, List<int>>
    {
        protected override List<int> InitialState(string key) => [];

        protected override async ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            State.Add(item);
            if (State.Count < 3) return;
            await output.PushAsync(string.Join(' ', State));
            RemoveState();
            if (isBefore) State.Add(item);
        }
    }

    private sealed class Bag
    {
        public int Count { get; set; }
    }

    private sealed class Counting(List<WeakReference> bags, bool isAsync) : StatefulStageNode<int, int, Bag>
    {
        protected override Bag InitialState(string key)
        {
            var bag = new Bag();
            bags.Add(new(bag));
            return bag;
        }

        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            State.Count++;
            if (isAsync) await Task.Yield();
            await output.PushAsync(State.Count);
            RemoveState();
        }
    }
}
