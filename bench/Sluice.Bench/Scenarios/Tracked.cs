namespace Sluice.Bench;

/// <summary>The work of <c>fused</c> and <c>boundary</c> in a consecutor that tracks every item and could replay it, in memory.</summary>
internal static class Tracked
{
    public static Scenario Scenario { get; } = new("tracked", "fused and boundary, every item followed, with replays in memory",
    [
        new Comparison("tracked", 5_000_000, 2_000_000, Maps.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, count => TrackedAsync(count,
                source => Maps.All.Aggregate(source, static (before, map) => before | map))),
            Variant.OfTask("fused", FusedAsync),
        ]),
        new Comparison("tracked-boundary", 1_000_000, 300_000, Maps.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, count => TrackedAsync(count, source => Chain.Buffered(source, Maps.All))),
            Variant.OfTask("boundary", count => Chain.BufferedSumAsync(Source.Range(0, count), Maps.All)),
        ]),
    ]);

    private static async Task<double> TrackedAsync(long count, Func<Source<long>, Source<long>> body)
    {
        long sum = 0;
        var consecutor = new Consecutor<long>("tracked", source => body(source) | (value => { sum += value; }),
            new() { Delivery = DeliveryGuarantee.Replay(3) });
        await using (consecutor)
        {
            await consecutor.StartAsync();
            await (Source.Range(0, count) | consecutor).RunAsync();
            await consecutor.WaitForIdleAsync();
        }
        return sum;
    }

    private static async Task<double> FusedAsync(long count)
    {
        long sum = 0;
        Source<long> source = Maps.All.Aggregate(Source.Range(0, count), static (before, map) => before | map);
        await (source | (value => { sum += value; })).RunAsync(Chain.OnThisThread);
        return sum;
    }
}
