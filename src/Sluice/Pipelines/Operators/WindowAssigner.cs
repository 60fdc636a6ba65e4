namespace Sluice.Pipelines;

/// <summary>Assigns items to windows of event time. Times are UTC ticks.</summary>
internal abstract class WindowAssigner
{
    /// <summary>The form of the windows, as it is stored.</summary>
    public abstract string Form { get; }

    /// <summary>Adds an item to its windows, and opens them if needed.</summary>
    /// <returns>Whether a window still takes the item.</returns>
    public abstract bool Add<T>(EventWindows<T> windows, T item, long at);
}

/// <summary>Windows of one size, one with every hop.</summary>
internal sealed class SlidingAssigner(long size, long hop) : WindowAssigner
{
    public override string Form => "sliding";

    public override bool Add<T>(EventWindows<T> windows, T item, long at)
    {
        bool isTaken = false;
        for (long start = WindowGrid.FirstStart(at, size, hop); start <= at; start += hop)
        {
            long end = start + size;
            if (windows.IsExpired(end)) continue;
            int found = windows.FirstEndingAfter(end - 1);
            if (found == windows.Count || windows[found].End != end) windows.Insert(found, start, end);
            else windows[found].Start = Math.Min(windows[found].Start, start);       // stored by code with smaller windows
            windows.Add(found, item);
            isTaken = true;
        }
        return isTaken;
    }
}

/// <summary>Sessions: windows that end after a gap without items.</summary>
internal sealed class SessionAssigner(long gap) : WindowAssigner
{
    public override string Form => "session";

    public override bool Add<T>(EventWindows<T> windows, T item, long at)
    {
        (long start, long end) = (at, at + gap);
        int first = windows.FirstTaking(at), next = first;
        for (; next < windows.Count && windows[next].Start < end; next++)
            (start, end) = (Math.Min(start, windows[next].Start), Math.Max(end, windows[next].End));
        if (windows.IsExpired(end)) return false;
        if (next == first) windows.Insert(first, start, end);
        else windows.Join(first, next - first, start, end);
        windows.Add(first, item);
        return true;
    }
}

internal static class WindowGrid
{
    private static readonly long Epoch = DateTimeOffset.UnixEpoch.UtcTicks;

    /// <summary>The beginning of the first window that a moment is in.</summary>
    public static long FirstStart(long at, long size, long hop)
    {
        long before = at - size;
        return before - ((((before - Epoch) % hop) + hop) % hop) + hop;
    }
}
