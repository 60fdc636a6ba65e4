using System.Buffers.Binary;
using Sluice.Storage;

namespace Sluice.Shared;

/// <summary>A set of sequences above a mark, as sorted, disjoint ranges: entries that ended or got rows before earlier ones did.</summary>
internal sealed class SequenceSet
{
    private readonly List<SequenceRange> ranges = [];

    public long Count { get; private set; }

    public static SequenceSet Read(ReadOnlySpan<byte> bytes)
    {
        var set = new SequenceSet();
        for (; bytes.Length >= 16; bytes = bytes[16..])
            set.Append(new(BinaryPrimitives.ReadInt64LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes[8..])));
        return set;
    }

    public byte[] ToBytes()
    {
        if (ranges.Count == 0) return [];
        var bytes = new byte[16 * ranges.Count];
        for (int i = 0; i < ranges.Count; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16 * i), ranges[i].First);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan((16 * i) + 8), ranges[i].Last);
        }
        return bytes;
    }

    public bool Contains(long sequence) => IndexFrom(sequence) is var i && i < ranges.Count && ranges[i].First <= sequence;

    /// <summary>Returns the number of its sequences in a range.</summary>
    public long CountIn(long first, long last)
    {
        long count = 0;
        for (int i = IndexFrom(first); i < ranges.Count && ranges[i].First <= last; i++)
            count += Math.Min(last, ranges[i].Last) - Math.Max(first, ranges[i].First) + 1;
        return count;
    }

    /// <summary>Adds a range, which may overlap the set.</summary>
    public void Add(long first, long last)
    {
        int from = IndexFrom(first - 1), to = from;  // joins adjacent ranges
        while (to < ranges.Count && ranges[to].First <= last + 1)
        {
            (first, last) = (Math.Min(first, ranges[to].First), Math.Max(last, ranges[to].Last));
            Count -= ranges[to++].Count;
        }
        ranges.RemoveRange(from, to - from);
        ranges.Insert(from, new(first, last));
        Count += last - first + 1;
    }

    /// <summary>Removes the range directly after a mark, up to a limit.</summary>
    /// <returns>The new mark: the end of the removed range.</returns>
    public long TakeBehind(long mark, long limit)
    {
        if (ranges.Count == 0 || ranges[0].First != mark + 1 || limit <= mark) return mark;
        SequenceRange first = ranges[0];
        long to = Math.Min(first.Last, limit);
        if (to == first.Last) ranges.RemoveAt(0);
        else ranges[0] = first with { First = to + 1 };
        Count -= to - mark;
        return to;
    }

    /// <summary>Returns the end of the range that contains a sequence; the sequence minus one if none does.</summary>
    public long EndOf(long sequence) => IndexFrom(sequence) is var i && i < ranges.Count && ranges[i].First <= sequence ? ranges[i].Last
        : sequence - 1;

    /// <summary>Returns the gaps between its ranges within two bounds.</summary>
    public IEnumerable<SequenceRange> Gaps(long first, long last)
    {
        for (int i = IndexFrom(first); first <= last; i++)
        {
            long end = i < ranges.Count ? Math.Min(last, ranges[i].First - 1) : last;
            if (end >= first) yield return new(first, end);
            if (i >= ranges.Count) yield break;
            first = ranges[i].Last + 1;
        }
    }

    private void Append(SequenceRange range)
    {
        ranges.Add(range);
        Count += range.Count;
    }

    // The index of the first range that ends at or after a sequence.
    private int IndexFrom(long sequence)
    {
        int low = 0, high = ranges.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (ranges[middle].Last < sequence) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
