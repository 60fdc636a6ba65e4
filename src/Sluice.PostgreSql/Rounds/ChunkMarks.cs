using System.Collections.Concurrent;

namespace Sluice.PostgreSql;

/// <summary>
/// Remembers where the blocks of partitions are that this process has written or leased, so that a commit knows the bytes it settles
/// without a query. Marks never change, so the memory may be out of date only by marks that it lacks. Thread-safe: one lock for each
/// partition.
/// </summary>
internal sealed class ChunkMarks(TimeProvider time)
{
    private const int Max = 4096;                    // for each partition; the oldest are forgotten
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(long Stream, int Partition), Marks> all = new();

    public void Add(long stream, int partition, ChunkMark mark)
    {
        Marks marks = all.GetOrAdd((stream, partition), static _ => new());
        lock (marks)
        {
            marks[mark.First] = mark;
            if (marks.Count > Max) marks.RemoveAt(0);
            marks.Used = time.GetTimestamp();
        }
    }

    public ChunkMark? Find(long stream, int partition, long sequence)
    {
        if (!all.TryGetValue((stream, partition), out Marks? marks)) return null;
        lock (marks)
        {
            marks.Used = time.GetTimestamp();
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

    /// <summary>Forgets partitions that were not used for a minute: another process may have deleted their streams.</summary>
    public void RemoveOld()
    {
        foreach ((var key, Marks marks) in all)
            if (time.GetElapsedTime(marks.Used) > MaxAge) all.TryRemove(key, out _);
    }

    private sealed class Marks : SortedList<long, ChunkMark>
    {
        private long used;

        public long Used { get => Volatile.Read(ref used); set => Volatile.Write(ref used, value); }
    }
}
