using Sluice.Graphs;
using Sluice.Topologies;

namespace Sluice.Tests.Graphs;

/// <summary>How much memory the recorded graph takes: a join is recorded once.</summary>
public class StepRecordTests
{
    private static readonly Step<int, int> Same = Step.Of((int n) => n);

    [Fact]
    public async Task TheCostOfADependentDoesNotGrowWithTheSizeOfItsJoin()
    {
        long few = await AllocatedAsync(10, 200), many = await AllocatedAsync(2_000, 200);
        Assert.InRange(many, 0, few * 2);

        static async Task<long> AllocatedAsync(int joined, int dependents)
        {
            await using StepScope scope = StepScope.Begin();
            Future<int[]> all = Future.WhenAll(Enumerable.Range(0, joined).Select(n => Same(n)));
            await all;
            var take = Step.Of((int n, int[] values) => n);
            _ = take(0, all);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < dependents; i++) _ = take(i, all);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            await scope.Completion;
            Assert.Equal(joined * (dependents + 1), scope.Topology.Edges.Count);
            return allocated;
        }
    }

    [Fact]
    public async Task TheCostOfALinkDoesNotGrowWithTheLengthOfTheChain()
    {
        long half = await AllocatedAsync(500), whole = await AllocatedAsync(1_000);
        Assert.InRange(whole, 0, half * 3);

        static async Task<long> AllocatedAsync(int links)
        {
            await using StepScope scope = StepScope.Begin();
            var go = new TaskCompletionSource<int>();
            Future gate = Same(go.Task);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < links; i++) gate = Future.WhenAll(gate, Same.After(gate)(i));
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            go.SetResult(0);
            await gate;
            Assert.Equal(links * (links + 1) / 2, scope.Topology.Edges.Count);
            return allocated;
        }
    }

    [Fact]
    public async Task SharedJoinsAreVisitedOnce()
    {
        await using StepScope scope = StepScope.Begin();
        Future a = Same(1), b = Same(2);
        // 2^64 paths lead through them: a search along each path would never end
        for (int i = 0; i < 64; i++) (a, b) = (Future.WhenAll(a, b), Future.WhenAll(b, a));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Future<int> last = Same.After(a)(3);
        Topology topology = scope.Topology;
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
        Assert.Equal(3, await last);
        Assert.Equal((3, 2), (topology.Nodes.Count, topology.Edges.Count));
    }

    [Fact]
    public async Task APendingFutureDoesNotKeepItsEndedDependentsAlive()
    {
        var never = new TaskCompletionSource<int>();
        Future<int> pending = Same(never.Task);
        var add = Step.Of((int a, int b) => a + b);
        var fail = Step.Of<int, int>(_ => throw new FormatException());
        int left = 0;
        List<WeakReference> ended = [];
        for (int i = 0; i < 1_000; i++) ended.Add(await EndAsync(i));
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        left = ended.Count(call => call.IsAlive);
        Assert.InRange(left, 0, 200);
        Future<int> lives = add(pending, 1);
        never.SetResult(1);
        Assert.Equal(2, await lives);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        async Task<WeakReference> EndAsync(int i)
        {
            Future<int> call = (i % 3) switch
            {
                0 => add(pending, fail(i)),
                1 => add(pending, 1),
                _ => Same.After(Future.WhenAll(pending, fail(i)))(i),
            };
            if (i % 3 == 1) call.Cancel();
            await call.Settled();
            return new(call);
        }
    }
}
