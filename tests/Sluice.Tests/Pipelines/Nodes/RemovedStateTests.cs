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
