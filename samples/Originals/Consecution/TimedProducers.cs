using Sluice;
using Sluice.Testing;

namespace Originals.Consecution;

/// <summary>The original's first README: producers that run a function of the user's at every tick of an interval, or by a cron string; and
/// producers that are pushed to.</summary>
internal static class TimedProducers
{
    public static async Task RunAsync()
    {
        int calls = 0;
        Check.Sequence([1, 2, 3], await TakeAsync(Source.Every(TimeSpan.FromSeconds(10), null, () => ++calls), 3),
            "what the interval produces");
        Check.Sequence(["00:05", "00:10", "00:15"], (await TakeAsync(Source.Cron("*/5 * * * *", TimeZoneInfo.Utc), 3)).Select(at =>
            $"{at:HH:mm}"), "the times of the schedule");

        var manual = Source.Manual<int>();
        Task<List<int>> sent = manual.ToListAsync();
        for (int i = 0; i < 3; i++) await manual.SendAsync(i);
        manual.Complete();
        Check.Sequence([0, 1, 2], await sent, "what is sent");

        Source<int> pushed = Source.Create<int>(async (push, cancellation) =>
        {
            for (int i = 0; i < 3; i++) await push(i);
        });
        Check.Sequence([0, 1, 2], await pushed.ToListAsync(), "what is pushed");
    }

    private static async Task<List<T>> TakeAsync<T>(Source<T> source, int count)
    {
        var clock = new TestClock();
        var scheduler = new SeededScheduler(seed: 1);
        List<T> items = [];
        await using PipelineRun run = (source.Take(count)
            | items.Add).Start(new RunOptions { Time = clock, Scheduler = scheduler, Seed = 1 });
        await scheduler.RunToEndAsync(run, clock);
        return items;
    }
}
