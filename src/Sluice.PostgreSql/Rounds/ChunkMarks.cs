using System.Collections.Concurrent;

namespace Sluice.PostgreSql;

/// <summary>
/// Remembers where the blocks of partitions are that this process has written or leased, so that a commit knows the bytes it settles
/// without a query. Marks never change, so the memory may be out of date only by marks that it lacks. Thread-safe: one lock for each
/// partition.
/// </summary>
internal sealed class ChunkMarks
{
    private const int Max = 4096;                    // for each partition; the oldest are forgotten

    private readonly ConcurrentDictionary<(long Stream, int Partition), SortedList<long, ChunkMark>> all = new();

    public void Add(long stream, int partition, ChunkMark mark)
    {
        SortedList<long, ChunkMark> marks = all.GetOrAdd((stream, partition), static _ => []);
        lock (marks)
        {
            marks[mark.First] = mark;
            if (marks.Count > Max) marks.RemoveAt(0);
        }
    }

    public ChunkMark? Find(long stream, int partition, long sequence)
    {
        if (!all.TryGetValue((stream, partition), out SortedList<long, ChunkMark>? marks)) return null;
        lock (marks)
        {
            int low = 0, high = marks.Count - 1;
            while (low <= high)
            {
                int middle = (low + high) / 2;
                ChunkMark mark = marks.Values[middle];
                if (sequence < mark.First) high = middle - 1;
                else if (sequence > mark.Last) low = middle + 1;
                else return mark;
            }
            return null;
        }
    }

    /// <summary>Forgets a removed stream, or everything after a loss.</summary>
    public void Forget(long? stream)
    {
        foreach ((long Stream, int Partition) key in all.Keys)
            if (stream is null || key.Stream == stream) all.TryRemove(key, out _);
    }
}
