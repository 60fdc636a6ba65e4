namespace Sluice.Tests.RandomGraphs;

/// <summary>An expected window, in times of the virtual clock.</summary>
internal sealed record ExpectedWindow(TimeSpan Start, TimeSpan End, IReadOnlyList<long> Items, TimeSpan At)
{
    private static readonly DateTimeOffset ClockStart = new Sluice.Testing.TestClock().GetUtcNow();

    public ExpectedWindow(Window<long> window) : this(window.Start - ClockStart, window.End - ClockStart, window.Items, default)
    {
    }

    /// <summary>How far the start of the virtual clock is from the last multiple of a period since 1970.</summary>
    public static long TicksIntoPeriod(TimeSpan period) => (ClockStart - DateTimeOffset.UnixEpoch).Ticks % period.Ticks;

    public override string ToString() => $"[{Start}, {End}): {string.Join(' ', Items)}";
}

/// <summary>Computes the expected windows from the times of the items, window by window, by definition.</summary>
internal static class WindowModel
{
    public static IReadOnlyList<ExpectedWindow> Sliding(Observation<Window<long>> seen, int sizeMs, int hopMs, int maxItems)
    {
        TimeSpan size = TimeSpan.FromMilliseconds(sizeMs), hop = TimeSpan.FromMilliseconds(hopMs);
        if (seen.In.Count == 0) return [];
        TimeSpan start = -new TimeSpan(ExpectedWindow.TicksIntoPeriod(hop)), last = seen.In[^1].Begun;
        while (start > -size) start -= hop;
        List<(ExpectedWindow Window, TimeSpan Order, int Full)> all = [];
        for (; start <= last; start += hop)
        {
            var items = Enumerable.Range(0, seen.In.Count).Where(i => seen.In[i].Begun >= start && seen.In[i].Begun < start + size)
                .ToList();
            TimeSpan begin = start;
            foreach (int[] piece in items.Chunk(maxItems))
            {
                bool isFull = piece.Length == maxItems;
                TimeSpan end = isFull ? seen.In[piece[^1]].Begun : start + size;
                var window = new ExpectedWindow(begin, end, [.. piece.Select(i => seen.In[i].Value)], isFull ? end
                    : seen.NoLaterThanEnd(end));
                // A window that ends at this moment comes before the windows that an item of this moment fills.
                all.Add((window, end, isFull ? piece[^1] : -1));
                begin = end;
            }
        }
        return [.. all.OrderBy(window => window.Order).ThenBy(window => window.Full).Select(window => window.Window)];
    }

    public static IReadOnlyList<ExpectedWindow> Sessions(Observation<Window<long>> seen, int gapMs, int longestMs, int maxItems)
    {
        TimeSpan gap = TimeSpan.FromMilliseconds(gapMs), longest = TimeSpan.FromMilliseconds(longestMs);
        List<ExpectedWindow> all = [];
        for (int first = 0; first < seen.In.Count;)
        {
            TimeSpan latest = seen.In[first].Begun + longest;
            int next = first + 1;
            while (next < seen.In.Count && seen.In[next].Begun < Earlier(seen.In[next - 1].Begun + gap, latest)) next++;
            TimeSpan over = Earlier(seen.In[next - 1].Begun + gap, latest), begin = seen.In[first].Begun;
            foreach (Passage<long>[] piece in seen.In.Skip(first).Take(next - first).Chunk(maxItems))
            {
                TimeSpan end = piece.Length == maxItems ? piece[^1].Begun : over;
                all.Add(new(begin, end, [.. piece.Select(item => item.Value)], piece.Length == maxItems ? end : seen.NoLaterThanEnd(end)));
                begin = end;
            }
            first = next;
        }
        return all;
    }

    private static TimeSpan Earlier(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
