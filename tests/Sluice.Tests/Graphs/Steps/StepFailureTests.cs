using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

public class StepFailureTests
{
    [Fact]
    public Task TheEarliestFailureSurfacesAndDependentsNeverRun()
        => StepLab.WithSeedsAsync(30, lab => lab.RunAsync(async scope =>
    {
        List<string> ran = [];
        var fail = Step.Of<string, double, int>(async (what, seconds) =>
        {
            await lab.DelayAsync(seconds);
            throw new FormatException(what);
        });
        var slow = Step.Of(async () =>
        {
            await lab.DelayAsync(10);
            ran.Add("sibling");
            return 1;
        });
        var dependent = Step.Of((int a, int b, int c) =>
        {
            ran.Add("dependent");
            return a + b + c;
        });
        Future<int> late = fail("late", 3), sibling = slow();
        Future<int> sum = dependent(late, fail("early", 2), sibling);
        Future<int> further = dependent(sum, 1, 2);

        Assert.Equal("early", (await Assert.ThrowsAsync<FormatException>(async () => await further)).Message);
        Assert.Equal(2, lab.Now);
        Assert.Equal((FutureStatus.Failed, FutureStatus.Running), (sum.Status, sibling.Status));

        // Also of failures before the call: the earliest one, in any argument.
        Assert.Equal("late", (await Assert.ThrowsAsync<FormatException>(async () => await late)).Message);
        Assert.Equal("early", (await Assert.ThrowsAsync<FormatException>(async () => await dependent(late, sum, 1))).Message);
        await scope.Completion;
        Assert.Equal(["sibling"], ran);
        Assert.Equal(10, lab.Now);
    }));

    [Fact]
    public Task AStepThatTakesOutcomesHandlesFailuresItself() => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        var load = Step.Of((string address) => address.StartsWith("http", StringComparison.Ordinal) ? address.Length
            : throw new UriFormatException(address));
        var show = Step.Of((Settled<int> good, Settled<int> bad) => $"{good.Value}, {bad.ValueOr(-1)}, {bad}");

        Assert.Equal("5, -1, UriFormatException: ftp:", await show(load("http:"), load("ftp:")));
        Settled<int> outcome = await load("ftp:").Settled();
        Assert.Equal((false, false, "ftp:"), (outcome.Succeeded, outcome.IsCancelled, outcome.Exception!.Message));
        Assert.Throws<UriFormatException>(() => outcome.Value);
        await scope.Completion;
    }));

    [Fact]
    public Task AStepRunsAfterAFailureOnlyWithEvenIfFailed() => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        var fail = Step.Of<int>(async cancellation =>
        {
            await lab.DelayAsync(2, cancellation);
            throw new FormatException("no");
        });
        var echo = Step.Of((string text) => $"{text} at {lab.Now}");
        Future failed = fail();

        await Assert.ThrowsAsync<FormatException>(async () => await echo.After(failed)("a"));
        Assert.Equal("b at 2", await echo.After(failed, evenIfFailed: true)("b"));
        Assert.Equal("c at 4", await echo.After([failed, fail()], evenIfFailed: true).After(echo("x"))("c"));
        await Assert.ThrowsAsync<FormatException>(async () => await echo.After(failed, evenIfFailed: true).After(failed)("d"));

        // The second failure was waited for, but not observed.
        Assert.Equal("no", (await Assert.ThrowsAsync<FormatException>(() => scope.Completion)).Message);
    }));

    [Fact]
    public Task TheCompletionOfAScopeThrowsUnobservedFailures() => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        var fail = Step.Of<string, int>(text => throw new FormatException(text));
        var next = Step.Of((int n) => n);
        _ = next(next(fail("dropped")));                 // one failure, although three futures end with it
        Future<int> seen = next(fail("seen"));
        _ = fail("dropped too");
        await Assert.ThrowsAsync<FormatException>(async () => await seen);

        Task completion = scope.Completion;
        await Assert.ThrowsAsync<FormatException>(() => completion);
        Assert.Equal(["dropped", "dropped too"], completion.Exception!.InnerExceptions.Select(e => e.Message).Order());
    }));

    [Fact]
    public Task OnUnobservedFailureIsCalledOnceForEachFailure() => StepLab.WithSeedsAsync(10, async lab =>
    {
        List<string> told = [];
        var options = lab.Options with { OnUnobservedFailure = failure => told.Add(failure.ToString()) };
        await lab.RunAsync(async scope =>
        {
            var fail = Step.Of<string, int>(text => throw new FormatException(text)).Named("check");
            _ = Step.Of((int n) => n)(fail("dropped"));
            await Assert.ThrowsAsync<FormatException>(async () => await fail("seen"));
            await scope.Completion;
            await scope.Completion;
        }, options: options);
        Assert.Equal(["check failed: FormatException: dropped"], told);
    });

    [Fact]
    public Task TheFirstOfManyUnobservedFailuresAreKept() => StepLab.WithSeedsAsync(2, lab => lab.RunAsync(async scope =>
    {
        List<string> failed = [];
        var fail = Step.Of<string, int>(text =>
        {
            failed.Add(text);
            throw new FormatException(text);
        });
        for (int i = 0; i < 2100; i++) _ = fail($"{i}");
        Task completion = scope.Completion;
        await Assert.ThrowsAsync<FormatException>(() => completion);
        List<string> kept = [.. completion.Exception!.InnerExceptions.Select(e => e.Message)];
        Assert.Equal(failed.Take(500), kept.Take(500));
        Assert.InRange(kept.Count, 500, 1000);
    }, options: lab.Options with { RecordsGraph = false }));

    [Fact]
    public Task OnUnobservedFailureIsToldEachOfManyFailures() => StepLab.WithSeedsAsync(2, async lab =>
    {
        List<string> failed = [], told = [];
        var options = lab.Options with { RecordsGraph = false, OnUnobservedFailure = failure => told.Add(failure.Exception.Message) };
        await lab.RunAsync(async scope =>
        {
            var fail = Step.Of<string, int>(text =>
            {
                failed.Add(text);
                throw new FormatException(text);
            });
            _ = Step.Of(() => lab.DelayAsync(1))();          // the scope is not at rest meanwhile
            for (int i = 0; i < 2100; i++) _ = fail($"{i}");
            await lab.DelayAsync(0.5);
            Assert.InRange(told.Count, 1100, 1600);
            await scope.Completion;
        }, options: options);
        Assert.Equal(failed.Order(), told.Order());
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AScopeEndsBehindItsHandler(bool isDisposed)
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var goOn = new ManualResetEventSlim();
        await using StepScope scope = StepScope.Begin(options: new()
        {
            OnUnobservedFailure = _ =>
            {
                told.SetResult();
                goOn.Wait(TestContext.Current.CancellationToken);
            },
        });
        await Task.Run(() => _ = Step.Of(int () => throw new FormatException("no"))(), TestContext.Current.CancellationToken);
        await told.Task.WaitAsync(TestContext.Current.CancellationToken);
        Task completion = scope.Completion, end = isDisposed ? scope.DisposeAsync().AsTask() : completion;
        Assert.False(end.IsCompleted);
        goOn.Set();
        await end;
        await completion;                            // no call was cut short, so it is not cancelled
    }

    [Fact]
    public async Task OutsideAScopeTheRuntimeReportsUnobservedFailures()
    {
        using var unobserved = new UnobservedFailures();
        await FailAsync(unobserved.Mark);
        Assert.Equal(["drop"], await unobserved.CollectAsync());

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static async Task FailAsync(string mark)
        {
            var fail = Step.Of<string, int>(text => throw new FormatException(text));
            var next = Step.Of((int n) => n);
            Task dropped = Ended(next(fail("drop" + mark)));
            await Assert.ThrowsAsync<FormatException>(async () => await next(fail("seen" + mark)));
            await dropped;
        }

        static async Task Ended(Future future)
        {
            while (!future.IsCompleted) await Task.Yield();
        }
    }

    [Fact]
    public Task ATimeoutAppliesToEachAttemptOfAStep() => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        int attempts = 0;
        var flaky = Step.Of(async (int failures, CancellationToken cancellation) =>
        {
            if (++attempts <= failures) await lab.DelayAsync(100, cancellation);
            return attempts;
        }).Timeout(TimeSpan.FromSeconds(2)).Retry(2, Backoff.Constant(TimeSpan.FromSeconds(1)));

        Assert.Equal(3, await flaky(2));
        Assert.Equal(6, lab.Now);                        // two timeouts, two pauses
        attempts = 0;
        await Assert.ThrowsAsync<TimeoutException>(async () => await flaky(3));
        Assert.Equal(["retry 2", "timeout 2 s"], scope.Topology.Nodes[0].Details);
    }));

    [Fact]
    public Task ADisposedScopeWaitsForAStepUntilItsTimeout()
        => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async _ =>
    {
        List<double> ends = [];
        var slow = Step.Of(async (int seconds, CancellationToken cancellation) =>
        {
            await lab.DelayAsync(seconds, CancellationToken.None);
            ends.Add(lab.Now);
            cancellation.ThrowIfCancellationRequested();
            return 1;
        }).Timeout(TimeSpan.FromSeconds(10)).Retry(1);
        await using (StepScope scope = StepScope.Begin(options: lab.Options))
        {
            Future<int>[] calls = [slow(4), slow(12)];
            await lab.DelayAsync(1);
            scope.Cancel();
            Assert.All(calls, call => Assert.False(call.IsCompleted));
        }
        Assert.Equal(10, lab.Now);
        Assert.Equal([4.0], ends);
        await lab.DelayAsync(3);
        Assert.Equal([4.0, 12], ends);
    }));

    /// <summary>A trace that grew with each body would make a failure through thousands of them quadratic.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public Task AFailureKeepsTheFramesOfTheFirstBodiesItTravelsThrough(bool yields)
        => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        Step<int, int> next = null!;
        next = Step.Of<int, int>(async level => level == 0 ? await ThrowAsync() : await AwaitNextAsync(level));

        string few = await TraceOfAsync(3), many = await TraceOfAsync(50), more = await TraceOfAsync(300);
        Assert.All([few, many, more], trace => Assert.Contains(nameof(ThrowAsync), trace));
        Assert.Equal(3, Count(few));
        Assert.InRange(Count(many), 30, 40);
        Assert.Equal(Count(many), Count(more));
        Assert.DoesNotContain(nameof(FutureAwaiter), few);

        async Task<int> ThrowAsync()
        {
            if (yields) await lab.DelayAsync(1);
            throw new FormatException("deepest");
        }

        async Task<int> AwaitNextAsync(int level) => await next(level - 1);

        async Task<string> TraceOfAsync(int levels)
        {
            Future<int> top = next(levels);
            FormatException failure = await Assert.ThrowsAsync<FormatException>(async () => await top);
            Assert.Equal("deepest", failure.Message);
            Assert.Same(failure, top.Exception);
            return failure.StackTrace!;
        }

        static int Count(string trace) => trace.Split(nameof(AwaitNextAsync)).Length - 1;
    }));
}
