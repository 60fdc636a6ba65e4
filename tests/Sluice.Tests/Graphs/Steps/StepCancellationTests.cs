using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

public class StepCancellationTests
{
    [Fact]
    public Task CancellingAFutureCancelsDependentsButNotDependencies() => StepLab.WithSeedsAsync(30, lab => lab.RunAsync(async scope =>
    {
        List<string> ran = [];
        Future<string> Call(string name, double seconds, params Future<string>[] parents)
            => Step.Of(async (string[] _, CancellationToken cancellation) =>
        {
            await lab.DelayAsync(seconds, cancellation);
            ran.Add(name);
            return name;
        }).Named(name)(Future.WhenAll(parents));

        Future<string> shared = Call("shared", 2), other = Call("other", 1, shared), doomed = Call("doomed", 1, shared),
            child = Call("child", 1, doomed, other);
        await lab.DelayAsync(1);
        doomed.Cancel();

        Assert.True(child.IsCompleted);
        Assert.Equal((FutureStatus.Cancelled, FutureStatus.Cancelled, FutureStatus.Running), (doomed.Status, child.Status, shared.Status));
        Assert.Equal("doomed was cancelled.", (await Assert.ThrowsAsync<OperationCanceledException>(async () => await child)).Message);
        Assert.Equal("other", await other);
        Assert.Equal(["shared", "other"], ran);
        await scope.Completion;                          // a cancellation is no failure
    }));

    [Fact]
    public Task ARunningStepThatIsCancelledMayStillComplete() => StepLab.WithSeedsAsync(30, lab => lab.RunAsync(async scope =>
    {
        List<string> ran = [];
        var stubborn = Step.Of(async (CancellationToken cancellation) =>
        {
            await lab.DelayAsync(5, CancellationToken.None);
            return cancellation.IsCancellationRequested;
        });
        var next = Step.Of((bool wasTold) => ran.Add("next"));
        var look = Step.Of((Settled<bool> outcome) => ran.Add($"told {outcome.Value} at {lab.Now}"));
        Future<bool> running = stubborn();
        Future dependent = next(running);
        await lab.DelayAsync(1);
        running.Cancel();

        await Assert.ThrowsAsync<OperationCanceledException>(async () => await dependent);
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await next(running));
        Assert.Equal(1, lab.Now);
        await look(running);
        Assert.True(await running);
        Assert.Equal(["told True at 5"], ran);
    }));

    [Fact]
    public Task ATokenCancelsTheWholeScope() => StepLab.WithSeedsAsync(30, async lab =>
    {
        using var stop = new CancellationTokenSource();
        List<string> ran = [];
        await lab.RunAsync(async scope =>
        {
            var wait = Step.Of(async (string name, CancellationToken cancellation) =>
            {
                await lab.DelayAsync(5, cancellation);
                ran.Add(name);
                return name;
            });
            Future<string> running = wait("running"), waiting = wait(running), queued = wait("queued");
            Future<string> foreign = wait(new TaskCompletionSource<string>().Task);
            await lab.DelayAsync(1);
            StepLab.Cancel(stop);

            foreach (Future<string> future in new[] { running, waiting, queued, foreign, wait("new") })
            {
                var failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await future);
                if (!ReferenceEquals(future, running)) Assert.Equal(stop.Token, failure.CancellationToken);
            }
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => scope.Completion);
            Assert.Equal(1, lab.Now);
        }, maxConcurrency: 1, cancellation: stop.Token);
        Assert.Empty(ran);
    });

    [Fact]
    public Task DisposingAScopeCancelsItsStepsAndWaitsForThem() => StepLab.WithSeedsAsync(20, async lab =>
    {
        double ended = 0;
        Future<int>? child = null;
        StepScope? left = null;
        await lab.RunAsync(async outer =>
        {
            await using (left = StepScope.Begin(options: lab.Options))
            {
                Future<int> running = Step.Of(async () =>
                {
                    await lab.DelayAsync(3);
                    ended = lab.Now;
                    return 1;
                })();
                child = Step.Of((int n) => n)(running);
                await lab.DelayAsync(1);
            }
            Assert.Same(outer, StepScope.Current);
            Assert.Equal((3, 3), (ended, lab.Now));
        });
        Assert.Equal(FutureStatus.Cancelled, child!.Status);
        Assert.Null(StepScope.Current);
        await left!.DisposeAsync();
    });

    [Fact]
    public Task AnInnerScopeIsCancelledWithTheOuterOne() => StepLab.WithSeedsAsync(10, async lab =>
    {
        using var stop = new CancellationTokenSource();
        Future<int>? inside = null;
        await lab.RunAsync(async _ =>
        {
            Future group = Step.Of(async () =>
            {
                await using StepScope inner = StepScope.Begin(options: lab.Options);
                inside = Step.Of(async (CancellationToken cancellation) =>
                {
                    await lab.DelayAsync(9, cancellation);
                    return 1;
                })();
                await inner.Completion;
            })();
            await lab.DelayAsync(1);
            StepLab.Cancel(stop);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await group);
        }, cancellation: stop.Token);
        Assert.Equal((FutureStatus.Cancelled, 1), (inside!.Status, lab.Now));
    });

    [Fact]
    public async Task CallsInADisposedScopeAreRefused()
    {
        var step = Step.Of(() => 1);
        Func<Future<int>> call;
        ExecutionContext inside;
        await using (StepScope scope = StepScope.Begin())
        {
            inside = ExecutionContext.Capture()!;
            call = () =>
            {
                Future<int>? made = null;
                ExecutionContext.Run(inside, _ => made = step(), null);
                return made!;
            };
            Assert.Equal(1, await call());
        }
        Assert.Contains("a scope that is over", Assert.Throws<ObjectDisposedException>(call).Message, StringComparison.Ordinal);

        // Code that was left behind may still begin a scope of its own.
        Future<int>? made = null;
        ExecutionContext.Run(inside, _ =>
        {
            _ = StepScope.Begin();
            made = step();
        }, null);
        Assert.Equal(1, await made!);
    }

    [Fact]
    public Task AStepThatIgnoresItsTokenIsLeftBehindAndNamed() => StepLab.WithSeedsAsync(5, async lab =>
    {
        var never = new TaskCompletionSource<int>();
        Future<int>? stubborn = null;
        StepScope? left = null;
        await lab.RunAsync(async outer =>
        {
            var step = Step.Of(() => never.Task).Named("stubborn");
            await using (left = StepScope.Begin(options: lab.Options with { StopTimeout = TimeSpan.FromSeconds(7) }))
            {
                stubborn = step();
                _ = Step.Of((CancellationToken cancellation) => lab.DelayAsync(100, cancellation)).Named("obedient")();
                await lab.DelayAsync(1);
                Assert.Empty(left.StillRunning);
            }
            Assert.Equal(8, lab.Now);
            Assert.Equal(["stubborn"], left.StillRunning);
            Assert.Equal(FutureStatus.Running, stubborn.Status);
            never.SetResult(1);
            Assert.Equal(1, await stubborn);
        });
        Assert.Throws<ArgumentOutOfRangeException>(() => new StepScopeOptions { StopTimeout = TimeSpan.FromSeconds(-1) });
    });

    [Fact]
    public async Task ADisposedScopeMayBeCancelled()
    {
        using var stop = new CancellationTokenSource();
        StepScope outer = StepScope.Begin(cancellation: stop.Token), inner = StepScope.Begin();
        await inner.DisposeAsync();
        inner.Cancel();
        Assert.Equal(1, await Step.Of(() => 1)());
        await outer.DisposeAsync();
        outer.Cancel();
    }
}
