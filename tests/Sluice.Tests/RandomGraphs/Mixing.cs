namespace Sluice.Tests.RandomGraphs;

/// <summary>What the functions of random graphs compute: numbers that say where an item has been, so that no two items of a stream are
/// equal.</summary>
internal static class Mixing
{
    /// <summary>SplitMix64 (Steele, Lea, Flood 2014) over both.</summary>
    public static long Mix(long value, long with)
    {
        ulong z = (ulong)value + (((ulong)with + 1) * 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (long)(z ^ (z >> 31));
    }

    /// <summary>A number from 0 to <paramref name="sides"/> - 1 that depends on both and nothing else.</summary>
    public static int Roll(long value, long with, int sides) => (int)((ulong)Mix(value, with) % (ulong)sides);

    public static long MixAll(IEnumerable<long> values, long with) => values.Aggregate(with, Mix);
}
