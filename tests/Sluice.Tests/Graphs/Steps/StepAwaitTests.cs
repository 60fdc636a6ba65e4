using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

public class StepAwaitTests
{
    private static readonly AsyncLocal<string?> Local = new();

    [Fact]
    public async Task AStepRunsInTheExecutionContextOfItsCall()
    {
        var go = new TaskCompletionSource<int>();
        var read = Step.Of((int _) =>
        {
            string? seen = Local.Value;
            Local.Value = "changed by a step";
            return seen;
        });
        Local.Value = "one";
        Future<string?> one = read(go.Task);
        Local.Value = "two";
        Future<string?> two = read(go.Task);
        Future<string> third = Step.Of((string? before) => $"{before} {Local.Value}")(one);
        Local.Value = null;
        go.SetResult(1);

        Assert.Equal(("one", "two", "one two"), (await one, await two, await third));
        Assert.Null(Local.Value);
    }

    [Fact]
    public void AStepCalledWithoutAnExecutionContextChangesNothingInThatOfTheThread()
    {
        var lab = new StepLab(1);
        StepScope scope = StepScope.Begin(options: lab.Options);
        Future<int> call;
        using (ExecutionContext.SuppressFlow())
            call = Step.Of((int n) =>
            {
                Local.Value = "changed by a step";
                return n;
            })(1);
        lab.Scheduler.RunUntilIdle();
        Assert.True(call.IsCompleted);
        Assert.Null(Local.Value);
        Assert.Same(scope, StepScope.Current);
    }

    [Fact]
    public async Task AnAwaiterGoesOnInItsOwnSynchronizationContext()
    {
        var context = new CountingContext();
        var go = new TaskCompletionSource<int>();
        Future<int> future = Step.Of((int n) => n + 1)(go.Task);
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        Task<(int, bool)> waits = WaitAsync(future);
        SynchronizationContext.SetSynchronizationContext(outer);
        go.SetResult(1);
        Assert.Equal((2, true), await waits);
        Assert.Equal(1, context.Posts);
        Assert.Equal(2, await future.ConfigureAwait(true));
        Assert.Same(future.AsTask(), future.AsTask());

        async Task<(int, bool)> WaitAsync(Future<int> awaited)
        {
            int value = await awaited;
            return (value, ReferenceEquals(SynchronizationContext.Current, context));
        }
    }

    [Fact]
    public async Task AFutureMayBeAwaitedAnyNumberOfTimesFromAnywhere()
    {
        for (int round = 0; round < 200; round++)
        {
            var go = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
            Future<int> future = Step.Of(async (int n) =>
            {
                await Task.Yield();
                return n;
            })(go.Task);
            Task<int>[] waiting = [.. Enumerable.Range(0, 8)
                .Select(i => Task.Run(async () => i % 2 == 0 ? await future : await future.AsTask()))];
            go.SetResult(round);
            Assert.All(await Task.WhenAll(waiting), value => Assert.Equal(round, value));
        }
    }

    private sealed class CountingContext : SynchronizationContext
    {
        public int Posts;

        public override void Post(SendOrPostCallback d, object? state)
        {
            Interlocked.Increment(ref Posts);
            System.Threading.ThreadPool.QueueUserWorkItem(_ =>
            {
                SetSynchronizationContext(this);
                d(state);
                SetSynchronizationContext(null);
            });
        }
    }
}
