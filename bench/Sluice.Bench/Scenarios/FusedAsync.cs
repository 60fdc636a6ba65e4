namespace Sluice.Bench;

/// <summary>Ten asynchronous maps that complete at once: the cost of being able to wait.</summary>
internal static class FusedAsync
{
    public static Scenario Scenario { get; } = new("fused-async", "10 asynchronous maps that complete at once",
    [
        new Comparison("fused-async", 2_000_000, 500_000, Maps.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, SluiceAsync),
            Variant.OfTask("async-enumerable", AsyncEnumerableAsync),
        ]),
    ]);

    private static async Task<double> SluiceAsync(long count)
    {
        long sum = 0;
        var source = Source.Range(0, count);
        foreach (var map in Maps.Async) source = source | map;
        var pipeline = source | (value => { sum += value; });
        await pipeline.RunAsync(Chain.OnThisThread);
        return sum;
    }

    private static async Task<double> AsyncEnumerableAsync(long count)
    {
        var query = Numbers.RangeAsync(count);
        foreach (var map in Maps.Async) query = query.Select(map);
        long sum = 0;
        await foreach (var value in query) sum += value;
        return sum;
    }
}
