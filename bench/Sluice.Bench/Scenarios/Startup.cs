using System.Reactive.Linq;

namespace Sluice.Bench;

/// <summary>The fixed cost of a graph: build it, send one item through, finish. An "item" of this table is one such life.</summary>
internal static class Startup
{
    public static Scenario Scenario { get; } = new("startup", "build, run one item, finish: 10 fused stages; 10 boundaries",
    [
        new Comparison("startup", 100_000, 30_000, Expected,
        [
            Variant.OfTask(Variant.Ours, SluiceAsync),
            Variant.Of("rx", Rx),
        ]) { WarmCount = 500 },
        new Comparison("startup-buffered", 4_000, 1_500, ExpectedBuffered,
        [
            Variant.OfTask(Variant.Ours, SluiceBufferedAsync),
            Variant.OfTask("channels", count => RepeatAsync(count, () => ChannelStages.ChainAsync(1, Maps.All.Take(9)))),
            Variant.OfTask("tpl", count => RepeatAsync(count, () => DataflowBlocks.ChainAsync(1, Maps.All.Take(9)))),
        ]) { WarmCount = 100 },
    ]);

    private static async Task<double> SluiceAsync(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++)
        {
            var source = Source.Of(i);
            foreach (var map in Maps.All) source = source | map;
            var pipeline = source | (value => { sum += value; });
            await pipeline.Start(ExecutionMode.SingleThread).Completion;
        }

        return sum;
    }

    private static async Task<double> SluiceBufferedAsync(long count)
    {
        double sum = 0;
        for (long i = 0; i < count; i++) sum += await Chain.BufferedSumAsync(Source.Of(0L), Maps.All.Take(9));
        return sum;
    }

    private static double Rx(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++)
        {
            var query = Observable.Return(i);
            foreach (var map in Maps.All) query = query.Select(map);
            using (query.Subscribe(value => sum += value)) { }
        }

        return sum;
    }

    private static async Task<double> RepeatAsync(long count, Func<Task<long>> liveAsync)
    {
        long sum = 0;
        for (long i = 0; i < count; i++) sum += await liveAsync();
        return sum;
    }

    private static double Expected(long count) => Maps.ExpectedSum(count);

    // Nine maps and a sum make ten boundaries; each life sends the number 0.
    private static double ExpectedBuffered(long count) => count * (((((((0 + 1) ^ 3) - 2 + 7) ^ 5) + 11 - 13) ^ 17) + 19);
}
