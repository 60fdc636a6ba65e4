using System.Buffers.Binary;
using Sluice;

namespace Airports.Durable;

/// <summary>The producer: all pairs in order, from any one on. Its position is the number of pairs that are through.</summary>
internal static class PairSource
{
    public static Source<Pair> Of(Airport[] airports)
        => Source.Resumable<Pair>("AllPairs", (position, _) => From(airports, position.IsEmpty ? 0
        : BinaryPrimitives.ReadInt64LittleEndian(position.Span)).ToAsyncEnumerable());

    private static IEnumerable<WithPosition<Pair>> From(Airport[] airports, long number)
    {
        // The row that the pair is in, by walking: there are some thousands of rows at most.
        var i = 0;
        var before = 0L;
        while (i < airports.Length - 1 && before + airports.Length - 1 - i <= number) before += airports.Length - 1 - i++;
        for (var j = i + 1 + (int)(number - before); i < airports.Length - 1; i++, j = i + 1)
        {
            for (; j < airports.Length; j++)
            {
                var position = new byte[sizeof(long)];
                BinaryPrimitives.WriteInt64LittleEndian(position, ++number);
                yield return new WithPosition<Pair>(new Pair(airports[i].Code, airports[j].Code), position);
            }
        }
    }
}
