namespace Sluice.Cli.Measuring;

/// <summary>The result of a measurement.</summary>
/// <param name="Name">Its name.</param>
/// <param name="PerSecond">Items per second.</param>
/// <param name="Items">The number of items.</param>
/// <param name="Text">What was measured.</param>
internal sealed record Measurement(string Name, double PerSecond, long Items, string Text);

/// <summary>Measures pipelines in memory.</summary>
internal static class MemoryBench
{
    private const int Block = 4096;

    public static Task<Measurement> FusedAsync(TimeSpan time, CancellationToken cancellation)
        => RunAsync("fused", "a source, two functions and a sink in one chain of calls, in memory", static source => source | Twice | Half
            | Sink, time, cancellation);

    public static Task<Measurement> BoundaryAsync(TimeSpan time, CancellationToken cancellation)
        => RunAsync("boundary", "the same with a queue of 1,024 items between the functions, in memory", static source
            => (source | Twice).Buffer(1024) | Half | Sink, time, cancellation);

    private static async Task<Measurement> RunAsync(string name, string text, Func<Source<long>, Pipeline> wire, TimeSpan time,
        CancellationToken cancellation)
    {
        // The first run compiles the code.
        await RunAsync(wire, TimeSpan.FromMilliseconds(200), cancellation).ConfigureAwait(false);
        (long items, TimeSpan elapsed) = await RunAsync(wire, time, cancellation).ConfigureAwait(false);
        return new(name, items / elapsed.TotalSeconds, items, text);
    }

    private static async Task<(long Items, TimeSpan Elapsed)> RunAsync(Func<Source<long>, Pipeline> wire, TimeSpan time,
        CancellationToken cancellation)
    {
        TimeProvider clock = TimeProvider.System;
        long began = clock.GetTimestamp(), items = 0;
        await using PipelineRun run = wire(Source.From(Numbers())).Start(cancellation: cancellation);
        await run.Completion.ConfigureAwait(false);
        return (items, clock.GetElapsedTime(began));

        IEnumerable<long> Numbers()
        {
            while (clock.GetElapsedTime(began) < time)
                for (int i = 0; i < Block; i++) yield return items++;
        }
    }

    private static long Twice(long number) => number * 2;

    private static long Half(long number) => number / 2;

    private static void Sink(long number)
    {
    }
}
