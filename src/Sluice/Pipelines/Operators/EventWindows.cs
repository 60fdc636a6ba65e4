using System.Runtime.InteropServices;

namespace Sluice.Pipelines;

/// <summary>The kept windows of event time: open windows, and closed windows that may still take items. In the order of their ends, which
/// all differ. The starts of sessions are in order, too.</summary>
/// <param name="watermark">The progress of event time.</param>
/// <param name="lateness">How long closed windows are kept, in ticks.</param>
/// <param name="maxItems">The number of items that a window holds.</param>
/// <param name="most">Returns the number of windows that may come out or be deleted before the next <see cref="Save"/>: they are rows of
/// one commit. Null where nothing is stored.</param>
internal sealed class EventWindows<T>(Watermark watermark, long lateness, int maxItems, Func<int>? most)
{
    private const string MarksRow = "marks";

    private readonly List<EventWindow<T>> windows = [];
    private readonly List<EventWindow<T>> gone = [];             // until their rows are deleted
    private readonly Queue<Window<T>> ready = new();
    private long closedUpTo = long.MinValue;         // windows that end up to here have come out; never beyond the watermark
    private long nextId;
    private long removedUpTo = long.MinValue;        // windows that end up to here may have come out, and are not kept
    private (long ClosedUpTo, long NextId, long RemovedUpTo) saved = (long.MinValue, 0, long.MinValue);
    private int used;                                // how much of the limit is used since the last commit

    public int Count => windows.Count;

    public EventWindow<T> this[int index] => windows[index];

    /// <summary>The end of the first window that has not come out; null if there is none.</summary>
    public long? NextEnd => FirstEndingAfter(closedUpTo) is var first && first < windows.Count ? windows[first].End : null;

    /// <summary>Whether <see cref="Close"/> has more to do than one commit takes.</summary>
    public bool HasMore => NextEnd <= watermark.At || FirstEndingAfter(Expiry) > 0;

    private int Most => most?.Invoke() ?? int.MaxValue;

    private long Expiry => watermark.At == long.MinValue ? long.MinValue : watermark.At - lateness;

    /// <summary>Whether a window with this end takes no more items.</summary>
    public bool IsExpired(long end) => end <= Expiry;

    public int FirstEndingAfter(long moment)
    {
        int low = 0, high = windows.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (windows[middle].End <= moment) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>The index of the first window that ends after a moment and may still take items.</summary>
    public int FirstTaking(long moment) => FirstEndingAfter(Math.Max(moment, Expiry));

    /// <remarks>Code with a shorter lateness may have put out such a window and not kept it: then this one has its further panes.</remarks>
    public void Insert(int index, long start, long end)
        => windows.Insert(index, new(nextId++, start, end) { Pane = end <= removedUpTo ? 1 : 0 });

    /// <summary>Joins several neighbours into one window that has room for one more item.</summary>
    public void Join(int first, int count, long start, long end)
    {
        EventWindow<T> joined = windows[first];
        (joined.Start, joined.End) = (start, end);
        for (int i = first + 1; i < first + count; i++) joined.Pane = Math.Max(joined.Pane, windows[i].Pane);
        for (int i = first + 1; i < first + count; i++)
        {
            List<T> more = windows[i].Items;
            if (joined.Items.Count > 0 && joined.Items.Count + more.Count >= maxItems) PutOut(joined);
            joined.Items.AddRange(more);
        }
        Forget(windows.Skip(first + 1).Take(count - 1));
        windows.RemoveRange(first + 1, count - 1);
    }

    public void Add(int index, T item)
    {
        EventWindow<T> window = windows[index];
        window.Items.Add(item);
        if (window.Items.Count >= maxItems || window.End <= closedUpTo) PutOut(window);
    }

    /// <summary>Puts out the windows that the watermark has passed, as many as one commit takes.</summary>
    public void Close()
    {
        if (most is null) used = 0;                  // no commit does it
        int next = FirstEndingAfter(closedUpTo), closed = used;
        for (; next < windows.Count && windows[next].End <= watermark.At && used < Most; next++, used++)
        {
            closedUpTo = windows[next].End;
            if (windows[next].Items.Count > 0) PutOut(windows[next]);
        }
        if (next == windows.Count || windows[next].End > watermark.At) closedUpTo = Math.Max(closedUpTo, watermark.At);
        int expired = FirstEndingAfter(Math.Min(closedUpTo, Expiry));
        // A window that has come out just now counts once. Others were kept, perhaps by code with a longer lateness.
        int counted = lateness > 0 ? 0 : used - closed;
        expired = Math.Min(expired, counted + Math.Max(0, Most - used));
        Remove(expired);
        used += Math.Max(0, expired - counted);
    }

    /// <summary>Puts out all windows, at the end of the input, as many as one commit takes.</summary>
    /// <returns>Whether more windows are left, or more rows to delete.</returns>
    public bool End()
    {
        if (most is null) used = 0;
        int count = 0;
        for (; count < windows.Count && used < Most; count++, used++)
            if (windows[count].Items.Count > 0) PutOut(windows[count]);
        Remove(count);
        return windows.Count > 0 || gone.Sum(static window => window.Stored.Gone) > StateWriter.MaxSpareRows;
    }

    /// <summary>Whether windows are to be put out.</summary>
    public bool AreReady => ready.Count > 0;

    public bool TryTakeReady(out Window<T> window) => ready.TryDequeue(out window!);

    public void Restore(StateReader stored, long now)
    {
        if (stored.Has(MarksRow))
        {
            long[] marks = [.. stored.GetMany<long>(MarksRow)];
            watermark.Restore(marks.AsSpan(2), now);
            if (marks.Length > 5) removedUpTo = marks[5];        // earlier versions did not store it
            (closedUpTo, nextId) = (marks[0], marks[1]);
            saved = (closedUpTo, nextId, removedUpTo);
        }
        foreach (StatePart rows in StatePart.Of(stored))
        {
            EventWindow<T> window = new(rows);
            (window.IsStored ? windows : gone).Add(window);
        }
        windows.Sort(static (one, other) => one.End.CompareTo(other.End));
    }

    public void Save(StateWriter changes)
    {
        used = 0;
        gone.RemoveAll(window => window.Delete(changes));
        foreach (EventWindow<T> window in windows) window.Save(changes);
        long[]? marks = watermark.Changed();
        if (marks is null && saved == (closedUpTo, nextId, removedUpTo)) return;
        changes.PutMany<long>(MarksRow, [closedUpTo, nextId, .. marks ?? watermark.All, removedUpTo]);
        saved = (closedUpTo, nextId, removedUpTo);
    }

    private void Remove(int count)
    {
        if (count == 0) return;
        removedUpTo = Math.Max(removedUpTo, windows[count - 1].End);
        Forget(windows.Take(count));
        windows.RemoveRange(0, count);
    }

    /// <summary>Keeps windows until their rows are deleted, if there are rows.</summary>
    private void Forget(IEnumerable<EventWindow<T>> removed)
    {
        if (most is not null) gone.AddRange(removed);
    }

    private void PutOut(EventWindow<T> window)
    {
        // A window may start before the first representable day, or end after the last.
        DateTimeOffset start = new(Math.Max(window.Start, 0), TimeSpan.Zero),
            end = new(Math.Min(window.End, DateTimeOffset.MaxValue.UtcTicks), TimeSpan.Zero);
        ready.Enqueue(new(start, end, window.Items.AsReadOnly(), window.Pane++));
        window.Items = [];
        window.Stored.Clear();
    }
}

/// <summary>A window of event time.</summary>
internal sealed class EventWindow<T>
{
    private const string Head = "/head";

    private readonly string name;                    // in the store; sessions change their times
    private (long Start, long End, int Pane)? saved;

    public EventWindow(long id, long start, long end)
    {
        name = id.ToString("D19", CultureInfo.InvariantCulture);
        (Start, End) = (start, end);
        Stored = new($"{name}/items/", $"{name}/gone");
    }

    /// <summary>Loads a window. Without a head, only rows are left of it, which are still to be deleted.</summary>
    public EventWindow(StatePart rows)
    {
        name = rows.Name;
        Stored = new($"{name}/items/", $"{name}/gone");
        if (!rows.Has(name + Head))
        {
            Stored.RestoreGone(rows);
            return;
        }
        List<long> known = rows.GetMany<long>(name + Head);
        saved = (Start, End, Pane) = (known[0], known[1], (int)known[2]);
        Items = Stored.Restore<T>(rows);
    }

    public bool IsStored => saved is not null;

    public long Start { get; set; }

    public long End { get; set; }

    /// <summary>The number of the next pane.</summary>
    public int Pane { get; set; }

    public List<T> Items { get; set; } = [];

    public RememberedList Stored { get; }

    public void Save(StateWriter changes)
    {
        if (saved != (Start, End, Pane)) changes.PutMany<long>(name + Head, [Start, End, Pane]);
        saved = (Start, End, Pane);
        Stored.Save<T>(changes, CollectionsMarshal.AsSpan(Items));
    }

    /// <returns>Whether all rows are deleted; if not, call it again for the next commit.</returns>
    public bool Delete(StateWriter changes)
    {
        if (saved is not null) changes.Delete(name + Head);
        (saved, Items) = (null, []);
        return Stored.Delete(changes);
    }
}
