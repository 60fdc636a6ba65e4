namespace Sluice.Bench;

/// <summary>A millisecond of waiting for each item, 64 items at a time.</summary>
internal static class Delays
{
    private const int Degree = 64;
    private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(1);

    public static Scenario Scenario { get; } = new("delay", $"a wait of 1 ms for each item, {Degree} at a time",
    [
        new Comparison("delay", 50_000, 15_000, Numbers.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, SluiceAsync),
            Variant.OfTask("foreach-async", ForEachAsync),
        ]) { WarmCount = 1_000 },
    ]);

    private static async Task<double> SluiceAsync(long count)
    {
        long sum = 0;
        Pipeline pipeline = Source.Range(0, count) | WaitAsync | Stage.Parallel(Degree) | (number => { sum += number; });
        await pipeline.RunAsync();
        return sum;
    }

    private static async ValueTask<long> WaitAsync(long number, CancellationToken cancellation)
    {
        await Task.Delay(Wait, cancellation);
        return number;
    }

    // It has no outputs, hence no order: each call adds its own result.
    private static async Task<double> ForEachAsync(long count)
    {
        long sum = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = Degree };
        await System.Threading.Tasks.Parallel.ForEachAsync(Numbers.Range(count), options, async (number, cancellation) =>
        {
            await Task.Delay(Wait, cancellation);
            Interlocked.Add(ref sum, number);
        });
        return sum;
    }
}
