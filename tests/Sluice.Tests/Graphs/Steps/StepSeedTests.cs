using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

public class StepSeedTests
{
    [Fact]
    public async Task TheSeedsOfTheSchedulerAndTheScopeRepeatOrderAndTimes()
    {
        for (int seed = 0; seed < 5; seed++)
            Assert.Equal(await RunAsync(seed), await RunAsync(seed));
        Assert.NotEqual(await RunAsync(1), await RunAsync(2));

        static async Task<List<(int Call, double Time)>> RunAsync(int seed)
        {
            var lab = new StepLab(seed);
            List<(int, double)> ended = [];
            await lab.RunAsync(async scope =>
            {
                int[] runs = new int[4];
                var flaky = Step.Of(async (int n) =>
                {
                    await Task.Yield();
                    if (++runs[n] < 3) throw new FormatException();
                    ended.Add((n, lab.Now));
                }).Retry(2, Backoff.Exponential(TimeSpan.FromSeconds(1)));
                await Future.WhenAll(Enumerable.Range(0, 4).Select(n => flaky(n)));
            }, options: lab.Options with { Seed = seed });
            return ended;
        }
    }
}
