using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>Which calls hold the permits of a limit: a call that waits holds none, and a call that runs holds one until it ends.</summary>
public class StepPlaceTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task AnAttemptThatTimedOutKeepsItsPermitUntilItEnds(bool heedsToken)
        => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async scope =>
    {
        int running = 0, most = 0, began = 0;
        var slow = Step.Of(async (int n, CancellationToken cancellation) =>
        {
            began++;
            most = Math.Max(most, ++running);
            try
            {
                await lab.DelayAsync(2.5, heedsToken ? cancellation : CancellationToken.None);
            }
            finally
            {
                running--;
            }
            return n;
        }).Limit(1).Timeout(TimeSpan.FromSeconds(1)).Retry(2);
        Future<int>[] calls = [.. Enumerable.Range(0, 4).Select(n => slow(n))];
        foreach (Future<int> call in calls) await Assert.ThrowsAsync<TimeoutException>(async () => await call);
        Assert.Equal(1, most);
        Assert.True(began >= calls.Length);
        await lab.DelayAsync(60);
        Assert.Equal(0, running);
        // The permit is free again.
        Assert.Equal(7, await Step.Of((int n) => n)(7));
        began = 0;
        await Assert.ThrowsAsync<TimeoutException>(async () => await slow(1));
        Assert.True(began > 0);
    }));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task AnAwaitLendsItsPermitWithAndWithoutConfigureAwait(bool staysInContext)
        => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        var inner = Step.Of((int n) => n + 1).Named("inner");
        var end = Step.Of(() => { }).Named("end");
        var outer = Step.Of(async (int n) =>
        {
            await end().ConfigureAwait(staysInContext);
            return await inner(n).ConfigureAwait(staysInContext);
        }).Named("outer");
        Assert.Equal(2, await outer(1));
        Assert.Equal(["end-outer", "inner-outer"], scope.Topology.Edges.Select(edge => $"{edge.From.Name}-{edge.To.Name}").Order());
    }, maxConcurrency: 1));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task AStepThatWaitsForAScopeLendsItsPermitToTheStepsInIt(bool awaitsCompletion)
        => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        int ended = 0;
        Step<int, int> nest = null!;
        nest = Step.Of(async (int n) =>
        {
            await using (StepScope inner = StepScope.Begin(options: lab.Options))
            {
                if (n > 0) _ = nest(n - 1);
                if (awaitsCompletion) await inner.Completion;
                else await lab.DelayAsync(1);                // then the running call is cancelled and awaited: it ignores the cancellation
            }
            ended++;
            return n;
        }).Limit(1);
        Assert.Equal(3, await nest(3));
        Assert.Equal(awaitsCompletion ? 4 : 1, ended);
    }));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task ALoopOverFuturesHasItsPermitWhenItGoesOn(bool cancels) => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async scope =>
    {
        using var stop = new CancellationTokenSource();
        int running = 0, most = 0;
        async Task WorkAsync(double seconds)
        {
            most = Math.Max(most, ++running);
            if (seconds > 0) await lab.DelayAsync(seconds);
            running--;
        }
        var wait = Step.Of(async (int n) => await lab.DelayAsync(n));
        Future<double>[] all = [.. new[] { 1, 1, 2, 9 }.Select(n => Step.Of(() => lab.Now).After(wait(n))())];
        var loop = Step.Of(async (int n) =>
        {
            int seen = 0;
            try
            {
                await foreach (Future<double> each in Future.WhenEach(all, stop.Token))
                {
                    seen++;
                    await WorkAsync(await each % 2);
                }
            }
            catch (OperationCanceledException e)
            {
                Assert.Equal(stop.Token, e.CancellationToken);
            }
            await WorkAsync(n);
            return seen;
        }).Limit(1);
        Future<int>[] loops = [loop(1), loop(2), loop(3)];
        await lab.DelayAsync(8);
        if (cancels) StepLab.Cancel(stop);
        Assert.All(await Future.WhenAll(loops), seen => Assert.Equal(cancels ? 3 : 4, seen));
        Assert.Equal(1, most);
    }));

    [Fact]
    public Task AStepThatDisposesAScopeGivesUpItsPermit() => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        var stubborn = Step.Of(async () => await lab.DelayAsync(5));
        var outer = Step.Of(async () =>
        {
            await using (StepScope inner = StepScope.Begin(options: lab.Options))
            {
                _ = stubborn();
                await lab.DelayAsync(1);
            }
            return lab.Now;
        });
        Future<double> left = outer();
        await lab.DelayAsync(0.5);                           // both permits are taken
        Future<double> other = Step.Of(() => lab.Now)();
        Assert.Equal((5, 1), (await left, await other));     // the other call ran while outer waited for stubborn
    }, maxConcurrency: 2));

    [Fact]
    public Task AStepCannotWaitForTheEndOfItsOwnScope() => StepLab.WithSeedsAsync(5, lab => lab.RunAsync(async scope =>
    {
        var wait = Step.Of(async () => await scope.Completion).Named("wait");
        var dispose = Step.Of(async () => await scope.DisposeAsync()).Named("dispose");
        Assert.StartsWith("wait waits for the end of the scope that it belongs to",
            (await Assert.ThrowsAsync<InvalidOperationException>(async () => await wait())).Message, StringComparison.Ordinal);
        Assert.StartsWith("dispose waits", (await Assert.ThrowsAsync<InvalidOperationException>(async () => await dispose())).Message,
            StringComparison.Ordinal);
        await scope.Completion;
    }));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task ACallThatWaitsForItsScopeHoldsNoPermit(bool cancels) => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async outer =>
    {
        var limited = Step.Of(() => lab.Now).Limit(1);
        var busy = Step.Of(async () => await lab.DelayAsync(10));
        Future<double>? waiting = null;
        async Task FullAsync()
        {
            await using StepScope full = StepScope.Begin(maxConcurrency: 1, options: lab.Options);
            _ = busy();
            await lab.DelayAsync(1);
            waiting = limited();
            if (cancels) waiting.Cancel();
            await lab.DelayAsync(5);
            await full.Completion;
        }
        Task all = FullAsync();
        await lab.DelayAsync(2);
        Assert.Equal(2, await limited());
        await all;
        if (!cancels) Assert.Equal(10, await waiting!);
    }));

    [Fact]
    public Task ACallCancelledBeforeItStartsFreesItsPermitAtOnce() => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async scope =>
    {
        var limited = Step.Of(() => lab.Now).Limit(1);
        Future<double>[] calls = [.. Enumerable.Range(0, 20).Select(_ => limited())];
        foreach (Future<double> call in calls[..19]) call.Cancel();
        Assert.Equal(0, await calls[19]);
        Assert.All(calls[..19], call => Assert.Equal(FutureStatus.Cancelled, call.Status));
        await scope.Completion;
    }));

    [Fact]
    public Task TheLimitOfAScopeCountsTheStepsOfInnerScopes() => StepLab.WithSeedsAsync(20, async lab =>
    {
        int running = 0, most = 0, ended = 0;
        await lab.RunAsync(async scope =>
        {
            var leaf = Step.Of(async () =>
            {
                most = Math.Max(most, ++running);
                await lab.DelayAsync(1);
                running--;
                ended++;
            });
            var limited = leaf.Limit(2);
            var group = Step.Of(async (int places) =>
            {
                await using StepScope inner = StepScope.Begin(places == 0 ? null : places, options: lab.Options);
                for (int i = 0; i < 4; i++)
                {
                    _ = leaf();
                    _ = limited();
                }
                await inner.Completion;
            });
            for (int places = 0; places < 5; places++) _ = group(places);
            await scope.Completion;
        }, maxConcurrency: 3);
        Assert.Equal((3, 40, 0), (most, ended, running));
    });
}
