using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>Steps with limits call steps, and wait in any way: no call hangs, and no limit is exceeded.</summary>
public class StepNestingTests
{
    private static readonly int Seeds = Repetitions.Of(100, all: 300);

    [Fact]
    public async Task RandomNestedCallsEndUnderAnyLimits()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var lab = new StepLab(seed);
            var random = new Random(seed);
            var calls = new NestedCalls(lab.Options, () => lab.DelayAsync(random.Next(0, 3)));
            NestedCall[] trees = [.. Enumerable.Range(0, 3).Select(_ => NestedCall.Random(random, 3, calls.Count, isSerial: true))];
            int[] sums = [];
            try
            {
                await lab.RunAsync(async scope => sums = await Future.WhenAll(trees.Select(calls.Call)),
                    maxConcurrency: random.Next(0, 4) is > 0 and int places ? places : null);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Seed {seed}: {string.Join("; ", trees.Select(tree => $"{tree}"))}: {e.Message}", e);
            }
            Assert.Equal(trees.Select(tree => tree.Leaves), sums);
            Assert.Equal(0, calls.Excess);
        }
    }

    [Fact]
    public async Task RandomNestedCallsEndOnTheThreadPool()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            var calls = new NestedCalls(new(), async () => await Task.Yield());
            NestedCall[] trees = [.. Enumerable.Range(0, 3).Select(_ => NestedCall.Random(random, 3, calls.Count, isSerial: false))];
            await using StepScope scope = StepScope.Begin(maxConcurrency: random.Next(0, 4) is > 0 and int places ? places : null,
                TestContext.Current.CancellationToken);
            Task<int[]> sums = Future.WhenAll(trees.Select(calls.Call)).AsTask();
            try
            {
                Assert.Equal(trees.Select(tree => tree.Leaves),
                    await sums.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
            }
            catch (TimeoutException)
            {
                Assert.Fail($"Seed {seed} hangs: {string.Join("; ", trees.Select(tree => $"{tree}"))}");
            }
            Assert.Equal(0, calls.Excess);
        }
    }

    [Fact]
    public Task ParallelBranchesOfABodyDoNotExceedTheLimit()
        => StepLab.WithSeedsAsync(50, lab => lab.RunAsync(async scope =>
    {
        int running = 0, most = 0;
        var leaf = Step.Of(async (int n) =>
        {
            most = Math.Max(most, ++running);
            await lab.DelayAsync(n);
            running--;
            return n;
        });
        async Task<int> HelperAsync(int n)
        {
            int sum = 0;
            for (int i = 0; i < 3; i++)
            {
                sum += await leaf(n);
                most = Math.Max(most, ++running);            // the body runs between two awaits
                running--;
            }
            return sum;
        }
        var outer = Step.Of(async (int n) => (await Task.WhenAll(HelperAsync(n), HelperAsync(2 * n), HelperAsync(3 * n))).Sum());
        int[] sums = await Future.WhenAll(outer(1), outer(2));
        Assert.Equal(18 + 36, sums.Sum());
        Assert.Equal(1, most);
    }, maxConcurrency: 1));

    [Fact]
    public async Task ABodyThatBlocksItsThreadGivesUpItsPermit()
    {
        await using StepScope scope = StepScope.Begin(maxConcurrency: 1, TestContext.Current.CancellationToken);
        var inner = Step.Of((int n) => n + 1);
        var outer = Step.Of((int n) => inner(n).AsTask().GetAwaiter().GetResult() + inner(n).GetAwaiter().GetResult()
            + Task.Run(async () => await inner(n)).GetAwaiter().GetResult());
        Task<int> sum = outer(1).AsTask();
        Assert.Equal(6, await sum.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
    }

    [Fact]
    public Task NestedResolvesUnderLimitsDoNotDeadlock() => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async scope =>
    {
        Graph<int> even = null!, odd = null!;
        var step = Step.Of(async (int n) => n == 0 ? 0
            : 1 + (await (n % 2 == 0 ? even : odd).ResolveAsync(n - 1)).Leaves.Values.Cast<int>().Sum()).Limit(1);
        Graph<int> Make(string name)
        {
            GraphBuilder<int> builder = Graph.For<int>(name);
            builder.Add("left", async n => await step(n)).Limit(1);
            builder.Add("right", async n => n == 0 ? 0 : 1 + (await odd.ResolveAsync(n - 1)).Leaves.Values.Cast<int>().Sum()).Limit(1);
            return builder.Build();
        }
        (even, odd) = (Make("even"), Make("odd"));
        int[] all = await Task.WhenAll(Enumerable.Range(0, 5)
            .Select(async n => (await even.ResolveAsync(n)).Leaves.Values.Cast<int>().Sum()));
        Assert.Equal([0, 2, 6, 14, 30], all);
    }, maxConcurrency: 2));
}
