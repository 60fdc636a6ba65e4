using Sluice.Diagnostics;
using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>Which ends are failures, which are cancellations, and when a failure counts as observed.</summary>
public class StepOutcomeTests
{
    [Fact]
    public Task ATaskThatCancelsItselfHasFailed() => StepLab.WithSeedsAsync(5, lab => lab.RunAsync(async scope =>
    {
        var save = Step.Of((string text) => text);
        Future<string> saved = save(GiveUpAsync(lab));
        var failure = await Assert.ThrowsAsync<TaskCanceledException>(() => scope.Completion);
        Assert.Equal(("100 seconds are over", FutureStatus.Failed), (failure.Message, saved.Status));
        Assert.IsType<TimeoutException>(failure.InnerException);
        Assert.Same(failure, saved.Exception);
    }));

    [Fact]
    public Task ATaskCancelledWithItsScopeHasNotFailed() => StepLab.WithSeedsAsync(5, async lab =>
    {
        using var stop = new CancellationTokenSource();
        Future<string>? saved = null;
        await lab.RunAsync(async scope =>
        {
            async Task<string> LoadAsync()
            {
                await lab.DelayAsync(9, stop.Token);
                return "";
            }
            saved = Step.Of((string text) => text)(LoadAsync());
            await lab.DelayAsync(1);
            StepLab.Cancel(stop);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => scope.Completion);
        }, cancellation: stop.Token);
        Assert.Equal(FutureStatus.Cancelled, saved!.Status);
    });

    [Fact]
    public Task AStepThatAwaitsACancelledFutureIsCancelled() => StepLab.WithSeedsAsync(5, lab => lab.RunAsync(async scope =>
    {
        Future<int>? waiting = null, running = null;
        var slow = Step.Of(async (int n, CancellationToken cancellation) =>
        {
            await lab.DelayAsync(9, cancellation);
            return n;
        });
        var ofWaiting = Step.Of(async () => await (waiting = slow(slow(1))));
        var ofRunning = Step.Of(async () => await (running = slow(1)));
        Future<int> one = ofWaiting(), other = ofRunning();
        Future<int> own = Step.Of(int () => throw new OperationCanceledException("by itself"))();
        await lab.DelayAsync(1);
        waiting!.Cancel();
        running!.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await one);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await other);
        Assert.Equal((FutureStatus.Cancelled, FutureStatus.Cancelled, FutureStatus.Failed), (one.Status, other.Status, own.Status));
        Assert.Equal("by itself", (await Assert.ThrowsAsync<OperationCanceledException>(() => scope.Completion)).Message);
    }));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task AFailureIsObservedWhenItsOutcomeReachesAStep(bool runs) => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        var fail = Step.Of<string, int>(text => throw new FormatException(text));
        var handle = Step.Of((Settled<int> outcome, int n) => outcome.ValueOr(n));
        var handleAll = Step.Of((IReadOnlyList<Settled<int>> outcomes, object last, int n) => outcomes.Count + n
            + (((Settled<int>)last).Succeeded ? 1 : 0));
        Future<int> other = Step.Of((int n) => n)(new TaskCompletionSource<int>().Task);
        Future<int> handled = handle(fail("one"), runs ? 5 : other);
        Future<Settled<int>[]> outcomes = Future.WhenAll(fail("two").Settled(), Step.Of(() => 1)().Settled());
        Future<int> handledAll = handleAll(outcomes.As<IReadOnlyList<Settled<int>>>(), fail("three").Settled(), runs ? 5 : other);
        await lab.DelayAsync(1);
        other.Cancel();
        _ = fail("four").Settled();                          // no code reads this outcome
        Task completion = scope.Completion;
        await Assert.ThrowsAsync<FormatException>(() => completion);
        Assert.Equal(runs ? ["four"] : ["four", "one", "three", "two"],
            completion.Exception!.InnerExceptions.Select(e => e.Message).Order());
        if (runs) Assert.Equal((5, 7), (await handled, await handledAll));
    }));

    [Fact]
    public async Task AFailureThrownByCompletionIsNotReportedAgain()
    {
        using var unobserved = new UnobservedFailures();
        await FailAsync("seen" + unobserved.Mark, awaits: true);
        await FailAsync("drop" + unobserved.Mark, awaits: false);
        Assert.Equal(["drop"], await unobserved.CollectAsync());

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static async Task FailAsync(string message, bool awaits)
        {
            await using StepScope scope = StepScope.Begin();
            Future failed = Step.Of<int>(() => throw new FormatException(message))();
            while (!failed.IsCompleted) await Task.Yield();
            if (!awaits) return;
            await Assert.ThrowsAsync<FormatException>(async () => await scope.Completion);
            await Assert.ThrowsAsync<FormatException>(async () => await scope.Completion);       // a second await throws again
        }
    }

    [Fact]
    public async Task AHandledFailureIsNotReportedForEachLookAtTheCompletion()
    {
        using var unobserved = new UnobservedFailures();
        await PollAsync("poll" + unobserved.Mark);
        await using StepScope scope = StepScope.Begin();
        await DropAsync(scope, "drop" + unobserved.Mark);
        await Step.Of(() => { })();                          // the scope goes on: no later look shares the failed completion
        Assert.Equal(["drop"], await unobserved.CollectAsync());
        GC.KeepAlive(scope);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static async Task PollAsync(string message)
        {
            await using StepScope scope = StepScope.Begin();
            var go = new TaskCompletionSource<int>();
            Future<int> failed = Step.Of(int (int _) => throw new FormatException(message))(go.Task);
            for (int i = 0; i < 3; i++) Assert.False(scope.Completion.IsCompleted);
            go.SetResult(1);
            while (!failed.IsCompleted) await Task.WhenAny(scope.Completion, Task.CompletedTask);
            await Task.WhenAny(scope.Completion);
            for (int i = 0; i < 3; i++) Assert.True(scope.Completion.IsCompleted);
            await Assert.ThrowsAsync<FormatException>(async () => await scope.Completion);
            await Assert.ThrowsAsync<FormatException>(async () => await failed);
            await scope.Completion;                          // its failure was observed
        }

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static async Task DropAsync(StepScope scope, string message)
        {
            _ = Step.Of<int>(() => throw new FormatException(message))();
            await Task.WhenAny(scope.Completion);
        }
    }

    [Fact]
    public async Task AProgressThatThrowsForAnAbandonedCallIsReported()
    {
        using var unobserved = new UnobservedFailures();
        await LeaveAsync("late" + unobserved.Mark);
        Assert.Equal(["late"], await unobserved.CollectAsync());

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static async Task LeaveAsync(string message)
        {
            var end = new TaskCompletionSource<int>();
            Future<int> stubborn;
            await using (StepScope.Begin(options: new() { StopTimeout = TimeSpan.Zero, Progress = new ThrowsAtTheEnd(message) }))
            {
                stubborn = Step.Of(() => end.Task)();
                while (stubborn.Status != FutureStatus.Running) await Task.Yield();
            }
            end.SetResult(1);
            Assert.Equal(1, await stubborn);
        }
    }

    [Fact]
    public Task AStepThatAwaitsACancelledFutureIsNotTriedAgainAndAgain() => StepLab.WithSeedsAsync(5, lab => lab.RunAsync(async scope =>
    {
        Future<int> waiting = Step.Of((int n) => n)(new TaskCompletionSource<int>().Task);
        int runs = 0;
        Future<int> body = Step.Of(async (int n) =>
        {
            runs++;
            return n + await waiting;
        }).Retry(3, Backoff.Constant(TimeSpan.FromSeconds(5)))(1);
        await lab.DelayAsync(1);
        waiting.Cancel();
        await body.Settled();
        // Cancelled during the attempt, it might be one that the attempt has made: the next one meets it again.
        Assert.Equal((FutureStatus.Cancelled, 2, 6.0), (body.Status, runs, lab.Now));
    }));

    [Fact]
    public Task AStepWhoseOwnCallIsCancelledIsTriedAgain() => StepLab.WithSeedsAsync(5, lab => lab.RunAsync(async scope =>
    {
        int runs = 0;
        Future<int> body = Step.Of(async (int n) =>
        {
            Future<int> own = Step.Of((int n) => n)(new TaskCompletionSource<int>().Task);
            if (++runs < 3) own.Cancel();            // as a time limit of its own does
            return runs < 3 ? await own : n;
        }).Retry(3, Backoff.Constant(TimeSpan.FromSeconds(5)))(1);
        Assert.Equal(1, await body);
        Assert.Equal((3, 10.0), (runs, lab.Now));
    }));

    /// <remarks>Each call through which the cancellation travels makes a failure of its own.</remarks>
    [Fact]
    public Task AStepWhoseInnerCallAwaitsACancelledFutureIsNotTriedAgain() => StepLab.WithSeedsAsync(5, lab => lab.RunAsync(async scope =>
    {
        Future<int> gone = Step.Of((int n) => n)(new TaskCompletionSource<int>().Task);
        gone.Cancel();
        var inner = Step.Of(async (int n) => n + await gone);
        int runs = 0;
        Future<int> body = Step.Of(async (int n) =>
        {
            runs++;
            return await inner(n);
        }).Retry(3, Backoff.Constant(TimeSpan.FromSeconds(5)))(1);
        await body.Settled();
        Assert.Equal((FutureStatus.Cancelled, 1, 0.0), (body.Status, runs, lab.Now));
    }));

    /// <summary>Whether the future is cancelled before the body blocks on it, or afterwards.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AStepThatBlocksOnACancelledFutureIsCancelled(bool isEarly)
    {
        await using StepScope scope = StepScope.Begin();
        Future<int> source = Step.Of((int n) => n)(new TaskCompletionSource<int>().Task);
        if (isEarly) source.Cancel();
        Future<int> body = Step.Of(() => source.GetAwaiter().GetResult())();
        while (source.IsDropped) await Task.Yield();
        if (!isEarly) source.Cancel();
        Assert.Equal($"{source.Name} was cancelled.", (await body.Settled()).Exception?.Message);
        Assert.Equal(FutureStatus.Cancelled, body.Status);
    }

    private static async Task<string> GiveUpAsync(StepLab lab)
    {
        await lab.DelayAsync(1);
        throw new TaskCanceledException("100 seconds are over", new TimeoutException("100 seconds"));
    }

    private sealed class ThrowsAtTheEnd(string message) : IProgress<StepProgress>
    {
        public void Report(StepProgress value)
        {
            if (value.Status == FutureStatus.Succeeded) throw new FormatException(message);
        }
    }
}
