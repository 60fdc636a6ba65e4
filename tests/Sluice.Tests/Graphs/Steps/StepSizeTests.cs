using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

public class StepSizeTests
{
    private const int Many = 100_000;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AChainOfAHundredThousandStepsNeedsNoStack(bool hasScope)
    {
        await using StepScope? scope = hasScope ? StepScope.Begin() : null;
        var go = new TaskCompletionSource<int>();
        var increment = Step.Of((int n) => n + 1);
        Future<int> last = increment(go.Task);
        for (int i = 1; i < Many; i++) last = increment(last);
        go.SetResult(0);
        Assert.Equal(Many, await last);
    }

    [Fact]
    public async Task AHundredThousandDependentsOfOneStepAllRun()
    {
        await using StepScope scope = StepScope.Begin();
        var go = new TaskCompletionSource<int>();
        var add = Step.Of((int a, int b) => a + b);
        Future<int> root = add(go.Task, 1);
        Future<int>[] all = [.. Enumerable.Range(0, Many).Select(n => add(root, n))];
        go.SetResult(1);
        int[] sums = await Future.WhenAll(all);
        Assert.Equal(Enumerable.Range(2, Many), sums);
        await scope.Completion;
        Assert.Equal((Many + 1, Many), (scope.Topology.Nodes.Count, scope.Topology.Edges.Count));
    }

    [Fact]
    public async Task AFailurePassesDownALongChainWithoutAStack()
    {
        await using StepScope scope = StepScope.Begin();
        var go = new TaskCompletionSource<int>();
        bool hasRun = false;
        var step = Step.Of((int n) =>
        {
            hasRun = true;
            return n;
        });
        Future<int> last = step(go.Task);
        var first = Step.Of((int[] values) => values[0]);
        for (int i = 0; i < Many / 2; i++) last = first(Future.WhenAll(step(last)));
        go.SetException(new FormatException("first"));
        Assert.Equal("first", (await Assert.ThrowsAsync<FormatException>(async () => await last)).Message);
        await scope.Completion;
        Assert.False(hasRun);
    }

    [Fact]
    public async Task AFailedChainOfJoinsIsObservedWithoutAStack()
    {
        await using StepScope scope = StepScope.Begin();
        var go = new TaskCompletionSource<int>();
        var step = Step.Of((int n) => n);
        Future all = step(go.Task);
        for (int i = 0; i < Many; i++) all = Future.WhenAll(all, step(i));
        go.SetException(new FormatException("first"));
        Assert.Equal("first", (await Assert.ThrowsAsync<FormatException>(async () => await all)).Message);
        await scope.Completion;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AChainOfFirstEndsIsObservedWithoutAStack(bool fails)
    {
        await using StepScope scope = StepScope.Begin();
        var go = new TaskCompletionSource<int>();
        Future<int> any = Step.Of((int n) => n)(go.Task);
        for (int i = 0; i < Many; i++) any = Future.WhenAny([any]);
        Future<int[]> values = Future.WhenAll([any]);
        if (fails) go.SetException(new FormatException("first"));
        else go.SetResult(7);
        if (fails) Assert.Equal("first", (await Assert.ThrowsAsync<FormatException>(async () => await values)).Message);
        else Assert.Equal(7, Assert.Single(await values));
        await scope.Completion;
    }

    [Fact]
    public async Task JoinsThatShareSourcesAreObservedOnce()
    {
        await using StepScope scope = StepScope.Begin();
        var go = new TaskCompletionSource<int>();
        var late = new TaskCompletionSource<int>();
        var step = Step.Of((int n) => n);
        Future<int> any = step(go.Task);
        Future all = Future.WhenAll(any, step(late.Task));
        for (int i = 0; i < 40; i++) (any, all) = (Future.WhenAny([any, any]), Future.WhenAll(all, all));
        Future<int[]> values = Future.WhenAll([any]);
        go.SetException(new FormatException("first"));
        await Assert.ThrowsAsync<FormatException>(async () => await values);
        await Assert.ThrowsAsync<FormatException>(async () => await all);
        late.SetException(new FormatException("later, and observed with the join"));
        await scope.Completion;
    }

    /// <summary>A lent permit is requested again when its loan ends. If the body waits again by then, it passes the permit on.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ManyBodiesThatHaveLentTheirPermitsNeedNoStack(bool isLimitOfScope)
    {
        const int count = Many / 5;
        var ended = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        var small = new Thread(() => ended.SetResult(RunAsync()), maxStackSize: 256 * 1024);
        small.Start();
        await await ended.Task;

        Task RunAsync()
        {
            var lab = new StepLab(1);
            return lab.RunAsync(scope => WorkAsync(lab), isLimitOfScope ? 1 : null, lab.Options with { RecordsGraph = false });
        }

        async Task WorkAsync(StepLab lab)
        {
            var lent = new TaskCompletionSource<int>();
            var late = new TaskCompletionSource<int>();
            var first = new TaskCompletionSource();
            Future<int> loan = lent.Task, next = late.Task;
            int began = 0;
            var step = Step.Of(async (int n) =>
            {
                bool isFirst = ++began == 1;
                await Task.WhenAll(loan.AsTask());
                if (isFirst) await first.Task;                   // with the permit, while the others request it
                return await next + n;
            });
            if (!isLimitOfScope) step = step.Limit(1);
            Future<int>[] all = [.. Enumerable.Range(0, count).Select(n => step(n))];
            await lab.DelayAsync(1);
            Assert.Equal(count, began);
            lent.SetResult(0);
            await lab.DelayAsync(1);
            first.SetResult();
            await lab.DelayAsync(1);
            late.SetResult(1);
            Assert.Equal(Enumerable.Range(1, count), await Future.WhenAll(all));
        }
    }

    [Fact]
    public async Task AnEndedFutureIsNotKeptAlive()
    {
        var next = Step.Of((byte[] state) => new byte[1]);
        (WeakReference first, Future<byte[]> last) = await RunAsync(next);
        await Garbage.CollectAsync(first);
        Assert.True(last.IsCompleted);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static async Task<(WeakReference, Future<byte[]>)> RunAsync(Step<byte[], byte[]> next)
        {
            Future<byte[]> state = next(new byte[1]);
            var first = new WeakReference(state);
            for (int i = 0; i < 100; i++) state = next(state);
            await state;
            return (first, state);
        }
    }
}
