using System.Runtime.CompilerServices;
using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>The failure of a task that becomes a future, also as an argument of a step, is reported like the failure of a step.</summary>
public class TaskFailureTests
{
    [Fact]
    public async Task TheCompletionOfAScopeThrowsUnobservedFailuresOfTasks()
    {
        await using StepScope scope = StepScope.Begin();
        Future<int> dropped = FailAsync("dropped"), seen = FailAsync("seen");
        _ = Future.WhenAll<int>(FailAsync("joined"));
        Assert.Equal(1, await Future.WhenAny<int>(Task.FromResult(1), FailAsync("slower")));
        Assert.Equal(1, await Step.Of(() => 1).After(FailAsync("waited for"), evenIfFailed: true)());
        await ThrowsAsync("first", Step.Of((int one, int other) => one + other)(FailAsync("first"), FailAsync("second")));

        // Observed ones are not reported.
        await ThrowsAsync("seen", seen);
        await ThrowsAsync("one", Future.WhenAll<int>(FailAsync("one"), FailAsync("other")));
        Assert.False(await Step.Of((Settled<int> outcome) => outcome.Succeeded)((Future<int>)FailAsync("settled")));
        Future<int> cancelled = Task.FromCanceled<int>(new(canceled: true));          // as of a dropped task
        Assert.True(dropped.IsCompleted && cancelled.IsCompleted);

        Task completion = scope.Completion;
        await Assert.ThrowsAsync<FormatException>(() => completion);
        Assert.Equal(["dropped", "joined", "second", "slower", "waited for"],
            completion.Exception!.InnerExceptions.Select(e => e.Message).Order());
    }

    [Fact]
    public async Task OnUnobservedFailureIsToldFailuresOfTasks()
    {
        List<string> told = [];
        var late = new TaskCompletionSource<int>();
        await using (StepScope.Begin(options: new() { OnUnobservedFailure = failure => told.Add(failure.ToString()) }))
        {
            _ = Step.Of((int n) => n)(late.Task);
            Future<int> dropped = late.Task;
            late.SetException(new FormatException("no"));
            Assert.True(dropped.IsCompleted);
        }
        // The argument of the call is a future of its own, and has the same failure.
        Assert.Equal(["a task failed: FormatException: no"], told);
    }

    [Fact]
    public async Task AFailureThatOneFutureOfATaskHasShownIsObserved()
    {
        await using StepScope scope = StepScope.Begin();
        var late = new TaskCompletionSource<int>();
        for (int round = 0; round < 3; round++) Assert.Equal(round, await Future.WhenAny<int>(late.Task, Task.FromResult(round)));
        late.SetException(new FormatException("no"));
        await Assert.ThrowsAsync<FormatException>(async () => await Future.WhenAny<int>(late.Task, new TaskCompletionSource<int>().Task));
        await scope.Completion;
    }

    /// <summary>As a future without a value, for a step that only waits, and where a step takes any object.</summary>
    [Fact]
    public async Task AFailureIsOneHoweverATaskIsConverted()
    {
        await using StepScope scope = StepScope.Begin();
        Task ready = FailAsync("not ready");
        Func<int> one = () => 1;
        for (int call = 0; call < 3; call++)
        {
            Assert.Equal(1, await Step.Of(one).After(ready, evenIfFailed: true)());
            _ = Step.Of(one).After(ready)();
            _ = Step.Of((object value) => value)(ready);
            _ = Future.WhenAll(ready, Task.CompletedTask);
        }
        Task completion = scope.Completion;
        await Assert.ThrowsAsync<FormatException>(() => completion);
        Assert.Single(completion.Exception!.InnerExceptions);
        await ThrowsAsync("not ready", ready);
        await scope.Completion;
    }

    /// <summary>As Task.Run without the token makes it of code that asks its token.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task ATaskThatFailsWithACancellationIsCancelledIfItsScopeIs(bool isCancelled)
    {
        using var stop = new CancellationTokenSource();
        List<string> told = [];
        await using StepScope scope = StepScope.Begin(cancellation: stop.Token,
            options: new() { OnUnobservedFailure = failure => told.Add(failure.Step) });
        if (isCancelled) await stop.CancelAsync();
        Task<int> task = Task.FromException<int>(new OperationCanceledException("no"));
        Future<int> number = task;
        Future plain = (Task)task;
        while (!plain.IsCompleted) await Task.Yield();
        FutureStatus expected = isCancelled ? FutureStatus.Cancelled : FutureStatus.Failed;
        Assert.Equal((expected, expected), (number.Status, plain.Status));
        Task completion = scope.Completion;
        await completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        Assert.Equal(isCancelled, completion.IsCanceled);
        await scope.DisposeAsync();
        Assert.Equal(isCancelled ? [] : ["a task"], told);
    }

    /// <summary>A cached task, for example.</summary>
    [Fact]
    public async Task EachScopeReportsTheFailureOfATask()
    {
        Task<int> cached = Task.FromException<int>(new FormatException("no"));
        for (int request = 0; request < 2; request++)
        {
            await using StepScope scope = StepScope.Begin();
            _ = Step.Of((int n) => n)(cached);
            await Assert.ThrowsAsync<FormatException>(() => scope.Completion);
        }
    }

    [Fact]
    public async Task OutsideOfScopesTheRuntimeReportsFailuresOfTasks()
    {
        using var unobserved = new UnobservedFailures();
        await DropAsync(unobserved.Mark);
        Assert.Equal(["drop"], await unobserved.CollectAsync());

        [MethodImpl(MethodImplOptions.NoInlining)]
        static async Task DropAsync(string mark)
        {
            Future<int> dropped = FailAsync("drop" + mark), seen = FailAsync("seen" + mark), late = FailAsync("late" + mark);
            Assert.True(dropped.IsCompleted);
            await ThrowsAsync("seen" + mark, seen);

            // A scope whose step fails with it reports it instead.
            await using StepScope scope = StepScope.Begin();
            _ = Step.Of((int n) => n)(late);
            await Assert.ThrowsAsync<FormatException>(() => scope.Completion);
        }
    }

    /// <summary>Cancelling the future does not stop the task, whose failure would be lost.</summary>
    [Fact]
    public async Task TheFailureOfATaskWhoseFutureWasCancelledIsReported()
    {
        await using StepScope scope = StepScope.Begin();
        var late = new TaskCompletionSource<int>();
        Future<int> future = late.Task;
        future.Cancel();
        Assert.Equal(FutureStatus.Cancelled, future.Status);
        late.SetException(new FormatException("late"));
        Assert.Equal("late", (await Assert.ThrowsAsync<FormatException>(() => scope.Completion)).Message);
    }

    private static Task<int> FailAsync(string message) => Task.FromException<int>(new FormatException(message));

    private static async Task ThrowsAsync(string message, Future future)
        => Assert.Equal(message, (await Assert.ThrowsAsync<FormatException>(async () => await future)).Message);
}
