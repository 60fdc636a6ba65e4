namespace Sluice.Bench;

/// <summary>Ten distinct delegates of each kind, so that no variant profits from inlining one call target ten times.</summary>
internal static class Maps
{
    public static readonly Func<long, long>[] All =
    [
        x => x + 1, x => x ^ 3, x => x - 2, x => x + 7, x => x ^ 5, x => x + 11, x => x - 13, x => x ^ 17, x => x + 19, x => x - 23,
    ];

    /// <summary>The maps as asynchronous functions, whose tasks have completed when they return.</summary>
    public static readonly Func<long, CancellationToken, ValueTask<long>>[] Async =
    [
        (x, _) => new(x + 1), (x, _) => new(x ^ 3), (x, _) => new(x - 2), (x, _) => new(x + 7), (x, _) => new(x ^ 5),
        (x, _) => new(x + 11), (x, _) => new(x - 13), (x, _) => new(x ^ 17), (x, _) => new(x + 19), (x, _) => new(x - 23),
    ];

    /// <summary>The sum of 0, 1, … count - 1 after all ten maps; written out, so that it shares no mistake with the variants.</summary>
    public static double ExpectedSum(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++) sum += ((((((i + 1) ^ 3) - 2 + 7) ^ 5) + 11 - 13) ^ 17) + 19 - 23;
        return sum;
    }
}
