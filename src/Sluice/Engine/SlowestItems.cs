using Sluice.Diagnostics;

namespace Sluice.Engine;

/// <summary>The items of the last ten minutes that an instance of a node took the longest for, if times are recorded.</summary>
/// <remarks>
/// Locking rule: the island that runs the instance notes items; <c>items</c> is under <c>sync</c>, because snapshots copy it. An item that
/// is faster than those that are kept costs two comparisons. The text of an item is made when it is kept: a reference would keep it alive.
/// </remarks>
internal sealed class SlowestItems(TimeProvider time)
{
    /// <summary>How many are kept of an instance, and shown of a node.</summary>
    public const int Max = 10;

    private static readonly TimeSpan Age = TimeSpan.FromMinutes(10);

    private readonly Lock sync = new();
    private readonly List<Kept> items = [];
    private long least;                              // the time that an item must exceed; the island's, like `firstGoes`
    private long firstGoes = long.MaxValue;          // when the oldest of a full list is too old

    /// <summary>Notes an item that has left the node.</summary>
    /// <param name="item">The item as it has entered.</param>
    /// <param name="took">Its time in the node, in ticks of the clock.</param>
    /// <param name="now">A timestamp of the clock.</param>
    public void Note<T>(T item, long took, long now)
    {
        if (took <= least && now < firstGoes) return;
        long tooOld = now - (long)(Age.TotalSeconds * time.TimestampFrequency);
        lock (sync)
        {
            items.RemoveAll(one => one.At <= tooOld);
            if (items.Count == Max && took > items[^1].Took) items.RemoveAt(Max - 1);
            if (items.Count < Max && took > 0)
            {
                int place = items.FindIndex(one => one.Took < took);
                items.Insert(place < 0 ? items.Count : place,
                    new(took, now, new(ItemText.Of(item), time.GetElapsedTime(0, took), time.GetUtcNow())));
            }
            bool isFull = items.Count == Max;
            (least, firstGoes) = isFull ? (items[^1].Took, items.Min(static one => one.At) - tooOld + now) : (0, long.MaxValue);
        }
    }

    /// <summary>Adds the items of the ten minutes before a timestamp to those of the other instances of the node. Any thread.</summary>
    public void AddTo(ref List<SlowItem>? all, long now)
    {
        long tooOld = now - (long)(Age.TotalSeconds * time.TimestampFrequency);
        lock (sync)
            foreach (Kept one in items)
                if (one.At > tooOld) (all ??= []).Add(one.Item);
    }

    private readonly record struct Kept(long Took, long At, SlowItem Item);
}
