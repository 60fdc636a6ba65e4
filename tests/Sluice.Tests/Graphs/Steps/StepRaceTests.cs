using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

public class StepRaceTests
{
    /// <summary>Random graphs with limits, retries, failures, steps that call steps, and inner scopes; some calls are cancelled at random
    /// moments. Every future ends, no call runs on, and all permits become free.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task EveryFutureOfARandomGraphEndsAndFreesItsPermit(bool isSeeded)
    {
        for (int seed = 0; seed < 150; seed++)
        {
            var lab = new StepLab(seed);
            if (isSeeded) await lab.RunAsync(scope => RunAsync(seed, scope, lab.Options), maxConcurrency: (seed % 4) + 1);
            else
            {
                var options = new StepScopeOptions { RecordsGraph = seed % 2 == 0 };
                await using StepScope scope = StepScope.Begin(maxConcurrency: (seed % 4) + 1, options: options);
                await RunAsync(seed, scope, options);
            }
        }
    }

    private static async Task RunAsync(int seed, StepScope scope, StepScopeOptions options)
    {
        var random = new Random(seed);
        int running = 0;
        async Task<int> BodyAsync(int value, int kind, CancellationToken cancellation)
        {
            Interlocked.Increment(ref running);
            try
            {
                if (kind % 2 == 0) await Task.Yield();
                if (kind == 3) throw new FormatException();
                cancellation.ThrowIfCancellationRequested();
                return value + 1;
            }
            finally
            {
                Interlocked.Decrement(ref running);
            }
        }
        var plain = Step.Of<int, int, int>(BodyAsync).Named("plain");
        var limited = plain.Limit(1).Named("limited");
        var tried = plain.Retry(2).Named("tried");
        var nested = Step.Of(async (int value, int kind) => await plain(value, kind) + await limited(value, kind));
        var scoped = Step.Of(async (int value, int kind) =>
        {
            Future<int> inside;
            await using (StepScope inner = StepScope.Begin((kind % 3) + 1, options: options))
            {
                inside = limited(value, kind);
                if (kind % 2 == 0) await inner.Completion;
            }
            return await inside;
        });
        Step<int, int, int>[] steps = [plain, limited, tried, nested, scoped];
        List<Future<int>> all = [];
        for (int i = 0; i < 40; i++)
        {
            Arg<int> value = all.Count == 0 || random.Next(4) == 0 ? i : all[random.Next(all.Count)];
            int kind = random.Next(12);
            Future<int> made = random.Next(5) == 0 && all.Count > 1
                ? Step.Of((int[] values) => values.Sum())(Future.WhenAll(all[random.Next(all.Count)], all[random.Next(all.Count)]))
                : steps[random.Next(steps.Length)](value, kind);
            all.Add(made);
            if (random.Next(8) == 0) all[random.Next(all.Count)].Cancel();
            if (random.Next(6) == 0) await Task.Yield();
        }
        if (seed % 5 == 0) scope.Cancel();
        Task completion = scope.Completion;
        await completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

        Assert.All(all, future => Assert.True(future.IsCompleted));
        Assert.Equal((0, 0), (running, scope.Running));
        foreach (Future<int> future in all)
        {
            Settled<int> outcome = await future.Settled();
            Assert.Equal(future.Status, outcome.Succeeded ? FutureStatus.Succeeded : outcome.IsCancelled ? FutureStatus.Cancelled
                : FutureStatus.Failed);
            if (!outcome.Succeeded && !outcome.IsCancelled) Assert.IsType<FormatException>(outcome.Exception);
        }
        // The permits are free again.
        if (seed % 5 != 0) Assert.Equal(2, await limited(1, 1));
        Assert.False(scope.Completion.AsTask().IsFaulted);        // every failure has been observed by now
    }
}
