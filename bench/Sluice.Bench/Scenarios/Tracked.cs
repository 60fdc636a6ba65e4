namespace Sluice.Bench;

/// <summary>
/// What it costs to follow every item to its end and to replay the ones that fail, in memory: the chains of `fused` and `boundary`, with and without a consecutor.
/// </summary>
internal static class Tracked
{
    public static Scenario Scenario { get; } = new("tracked", "`fused` and `boundary` in a consecutor with Replay, in memory",
    [
        new Comparison("tracked", 5_000_000, 1_000_000, Maps.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, count => SumAsync(count, Fused, Chain.OnThisThread)),
            Variant.OfTask("fused", count => PlainAsync(count, Fused, Chain.OnThisThread)),
        ]),
        new Comparison("tracked-boundary", 1_000_000, 300_000, Maps.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, count => SumAsync(count, Buffered, new())),
            Variant.OfTask("boundary", count => PlainAsync(count, Buffered, new())),
        ]),
    ]);

    private static async Task<double> SumAsync(long count, Func<Source<long>, Source<long>> chain, RunOptions run)
    {
        long sum = 0;
        await using var consecutor = new Consecutor<long>("tracked", source => chain(source) | (value => { sum += value; }),
            new() { Delivery = Delivery.Replay(3), Run = run });
        await consecutor.StartAsync();
        await (Source.Range(0, count) | consecutor).RunAsync(run);
        ConsecutorSnapshot books = await consecutor.IdleAsync();
        return books.Completed == count ? sum : double.NaN;
    }

    private static async Task<double> PlainAsync(long count, Func<Source<long>, Source<long>> chain, RunOptions run)
    {
        long sum = 0;
        await (chain(Source.Range(0, count)) | (value => { sum += value; })).RunAsync(run);
        return sum;
    }

    private static Source<long> Fused(Source<long> source)
    {
        foreach (var map in Maps.All) source = source | map;
        return source;
    }

    private static Source<long> Buffered(Source<long> source) => Chain.Buffered(source, Maps.All);
}
