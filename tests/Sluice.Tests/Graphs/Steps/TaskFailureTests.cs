using System.Runtime.CompilerServices;
using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>A task that becomes a future, also as an argument, loses no failure: it is reported like that of a step.</summary>
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
