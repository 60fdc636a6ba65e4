namespace Sluice.Tests.RandomGraphs;

/// <summary>The computations of random graphs. Each result encodes the path of an item, so that no two items of a stream are
/// equal.</summary>
internal static class Mixing
{
    /// <summary>SplitMix64 (Steele, Lea, Flood 2014) over both numbers.</summary>
    public static long Mix(long value, long with)
    {
        ulong z = (ulong)value + (((ulong)with + 1) * 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (long)(z ^ (z >> 31));
    }

    /// <summary>A number from 0 to <paramref name="sides"/> - 1 that depends only on both values.</summary>
    public static int Roll(long value, long with, int sides) => (int)((ulong)Mix(value, with) % (ulong)sides);

    public static long MixAll(IEnumerable<long> values, long with) => values.Aggregate(with, Mix);
}
