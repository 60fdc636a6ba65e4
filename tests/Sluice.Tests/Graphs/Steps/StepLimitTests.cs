using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

public class StepLimitTests
{
    [Fact]
    public Task LimitsAreNeverExceededAndNeverLeftIdle() => StepLab.WithSeedsAsync(60, async lab =>
    {
        var random = new Random(lab.Scheduler.Seed);
        int places = random.Next(1, 6), placesOfStep = random.Next(1, 4), running = 0, ofStep = 0, most = 0, mostOfStep = 0;
        int idle = 0;
        await lab.RunAsync(async scope =>
        {
            async Task<int> WorkAsync(int node, bool isLimited)
            {
                most = Math.Max(most, ++running);
                if (isLimited) mostOfStep = Math.Max(mostOfStep, ++ofStep);
                await lab.DelayAsync(random.Next(1, 10));
                running--;
                if (isLimited) ofStep--;
                return node;
            }
            var free = Step.Of((int node, int[] _) => WorkAsync(node, false));
            var limited = Step.Of((int node, int[] _) => WorkAsync(node, true)).Limit(placesOfStep);
            List<(Future<int> Future, Future<int>[] Parents, bool IsLimited)> all = [];
            for (int node = 0; node < 60; node++)
            {
                Future<int>[] parents = [.. Enumerable.Range(0, random.Next(0, Math.Min(node, 3) + 1))
                    .Select(_ => all[random.Next(node)].Future)];
                bool isLimited = random.Next(2) == 0;
                all.Add(((isLimited ? limited : free)(node, Future.WhenAll(parents)), parents, isLimited));
            }
            Task end = scope.Completion;
            await lab.DelayAsync(0.5);                       // between two times at which calls start or end
            for (; !end.IsCompleted; await lab.DelayAsync(1))
            {
                var waiting = all.Where(call => call.Future.Status == FutureStatus.Waiting
                    && call.Parents.All(parent => parent.IsCompleted)).ToList();
                if (running < places && waiting.Any(call => !call.IsLimited || ofStep < placesOfStep)) idle++;
            }
            await end;
        }, maxConcurrency: places);
        Assert.Equal((0, 0), (idle, running));
        Assert.InRange(most, 1, places);
        Assert.InRange(mostOfStep, 0, placesOfStep);
    });

    [Fact]
    public Task StepsThatAwaitStepsDoNotBlockEachOther() => StepLab.WithSeedsAsync(20, lab => lab.RunAsync(async scope =>
    {
        int running = 0;
        Step<int, int> fibonacci = null!;
        fibonacci = Step.Of(async (int n) =>
        {
            Assert.Equal(1, Interlocked.Increment(ref running));
            if (n < 2)
            {
                running--;
                return n;
            }
            Future<int> one = fibonacci(n - 1), two = fibonacci(n - 2);
            running--;                                       // another call has its permit while it awaits
            int first = await one;
            int second = await two;
            return first + second;
        }).Limit(1);
        Assert.Equal(21, await fibonacci(8));
    }, maxConcurrency: 1));

    [Fact]
    public Task AStepGivesUpItsPermitDuringARetryPause() => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        int attempts = 0;
        var flaky = Step.Of(async () =>
        {
            await lab.DelayAsync(1);
            return ++attempts < 3 ? throw new FormatException() : lab.Now;
        }).Retry(2, Backoff.Constant(TimeSpan.FromSeconds(10)));
        var work = Step.Of(async () => await lab.DelayAsync(4));
        Future<double> tried = flaky();
        for (int i = 0; i < 5; i++) _ = work();
        await scope.Completion;
        Assert.Equal((25, 25), (await tried, lab.Now));
    }, maxConcurrency: 1));

    [Fact]
    public Task TheTimeoutDoesNotCountTheWaitForAPermit() => StepLab.WithSeedsAsync(10, lab => lab.RunAsync(async scope =>
    {
        int attempts = 0;
        var flaky = Step.Of(async () =>
        {
            await lab.DelayAsync(1);
            return ++attempts < 2 ? throw new FormatException() : lab.Now;
        }).Timeout(TimeSpan.FromSeconds(3)).Retry(1, Backoff.Constant(TimeSpan.FromSeconds(1)));
        var work = Step.Of(async () => await lab.DelayAsync(8));
        Future<double> tried = flaky();
        _ = work();
        await scope.Completion;
        Assert.Equal(10, await tried);
    }, maxConcurrency: 1));

    [Fact]
    public async Task ALimitHoldsOnTheThreadPool()
    {
        int running = 0, most = 0;
        await using StepScope scope = StepScope.Begin(maxConcurrency: 3);
        var work = Step.Of(async (int n) =>
        {
            int now = Interlocked.Increment(ref running);
            int seen;
            while ((seen = Volatile.Read(ref most)) < now) Interlocked.CompareExchange(ref most, now, seen);
            if (n % 3 == 0) await Task.Yield();
            Interlocked.Decrement(ref running);
            return n;
        });
        Future<int>[] first = [.. Enumerable.Range(0, 500).Select(n => work(n))];
        Future<int>[] second = [.. first.Select(future => work(future))];
        int[] all = await Future.WhenAll(second);
        Assert.Equal(Enumerable.Range(0, 500), all);
        await scope.Completion;
        Assert.InRange(most, 1, 3);
        Assert.Equal(0, scope.Running);
    }
}
