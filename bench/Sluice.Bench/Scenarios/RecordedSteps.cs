using Microsoft.AspNetCore.Builder;
using Sluice.Dashboard;
using Sluice.Graphs;

namespace Sluice.Bench;

/// <summary>
/// Scopes of four steps with a yield each, one after the other: the time of a scope while a dashboard without viewers records scopes,
/// against its time without a dashboard. All scopes of a process are recorded or none, so the dashboard begins and ends with each run of
/// a variant.
/// </summary>
internal static class RecordedSteps
{
    public static Comparison Comparison { get; } = new("steps-recorded", 50_000, 10_000,
        static count => (count * (count - 1.0)) + (6.0 * count),
        [
            Variant.OfTask(Variant.Ours, async count =>
            {
                await using WebApplication app = WebApplication.CreateSlimBuilder().Build();
                app.MapSluice("/sluice");
                try
                {
                    return await RunAsync(count);
                }
                finally
                {
                    app.Lifetime.StopApplication();          // ends the recording
                }
            }),
            Variant.OfTask("off", RunAsync),
        ]);

    private static async Task<double> RunAsync(long count)
    {
        var one = Step.Of<long, long>(NextAsync);
        var sum = Step.Of<long, long, long>(static async (left, right) => await NextAsync(left + right));
        double all = 0;
        for (long i = 0; i < count; i++)
        {
            await using StepScope scope = StepScope.Begin();
            Future<long> top = one(i);
            long value = await top;
            all += await sum(one(value), one(value + 1));
        }
        return all;
    }

    private static async Task<long> NextAsync(long value)
    {
        await Task.Yield();
        return value + 1;
    }
}
