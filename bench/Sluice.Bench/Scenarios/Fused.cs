using System.Reactive.Linq;

namespace Sluice.Bench;

/// <summary>Ten synchronous maps in one chain of calls.</summary>
internal static class Fused
{
    public static Scenario Scenario { get; } = new("fused", "10 synchronous maps over 5 M longs, fused",
    [
        new Comparison("fused", 5_000_000, 2_000_000, Maps.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, SluiceAsync),
            Variant.Of("rx", Rx),
            Variant.Of("linq", Linq),
            Variant.Of("delegate-loop", DelegateLoop),
        ]),
    ]);

    public static async Task<double> SluiceAsync(long count)
    {
        long sum = 0;
        var source = Source.Range(0, count);
        foreach (var map in Maps.All) source = source | map;
        var pipeline = source | (value => { sum += value; });
        await pipeline.RunAsync(Chain.OnThisThread);
        return sum;
    }

    public static double Rx(long count)
    {
        var query = Numbers.Observable(count);
        foreach (var map in Maps.All) query = query.Select(map);
        long sum = 0;
        using (query.Subscribe(value => sum += value)) return sum;
    }

    public static double Linq(long count)
    {
        var query = Numbers.Range(count);
        foreach (var map in Maps.All) query = query.Select(map);
        long sum = 0;
        foreach (var value in query) sum += value;
        return sum;
    }

    private static double DelegateLoop(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++)
        {
            var value = i;
            foreach (var map in Maps.All) value = map(value);
            sum += value;
        }

        return sum;
    }
}
