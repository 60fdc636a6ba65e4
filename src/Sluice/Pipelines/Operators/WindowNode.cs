namespace Sluice.Pipelines;

/// <summary>Gathers the items of each key into windows of processing time.</summary>
/// <param name="bounds">The bounds of the windows; without a state of its own.</param>
/// <param name="maxItems">How many items a window holds.</param>
internal sealed class WindowNode<T>(WindowBounds bounds, int maxItems) : GatheringNode<T, Window<T>>
{
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(1);     // of a timer

    protected override ValueTask ProcessAsync(T item, Output<Window<T>> output, CancellationToken cancellation)
    {
        long now = UtcNow;
        WindowsOfKey<T> windows = new(Known);
        windows.Close(now, MaxEmissions);
        windows.Add(item, now, bounds, maxItems);
        return KeepAsync(windows, output);
    }

    protected override ValueTask OnTimerAsync(string timer, Output<Window<T>> output, CancellationToken cancellation)
        => CloseAsync(UtcNow, MaxEmissions, output);

    protected override ValueTask EndKeyAsync(Output<Window<T>> output, CancellationToken cancellation)
        => CloseAsync(long.MaxValue, MaxEmissions, output);

    private ValueTask CloseAsync(long now, int most, Output<Window<T>> output)
    {
        WindowsOfKey<T> windows = new(Known);
        windows.Close(now, most);
        return KeepAsync(windows, output);
    }

    /// <remarks>Items do not move the timer: if it fires too early, it is set again. Code with shorter sessions than those that are stored
    /// moves it: it would fire too late.</remarks>
    private ValueTask KeepAsync(WindowsOfKey<T> windows, Output<Window<T>> output)
    {
        if (windows.NextEnd is not { } end)
        {
            RemoveState();
            _ = Timers.Cancel();
        }
        else
        {
            State = windows.ToState();
            TimeSpan left = new(Math.Max(0, end - UtcNow));
            if (!(TimerWait - left <= MaxDelay)) Timers.Set(left);
        }
        return PushAllAsync(windows.Closed, output);
    }
}

/// <summary>The windows of one key, in the order of their ends, while they are changed. Times are UTC ticks.</summary>
/// <remarks>An item goes into all windows that are open. So a window has items that came one after the other, and overlapping windows share
/// them: each item is stored once.</remarks>
internal sealed class WindowsOfKey<T>
{
    private const int Numbers = 5;                   // of a window

    private readonly List<Held> windows = [];
    private readonly List<T> items;

    public WindowsOfKey(Gathered<T> state)
    {
        items = [.. state.Items];
        ReadOnlySpan<long> all = state.Numbers;
        for (; all.Length >= Numbers; all = all[Numbers..]) windows.Add(new(all[0], all[1], all[2], (int)all[3], (int)all[4]));
    }

    /// <summary>What comes out.</summary>
    public List<Window<T>> Closed { get; } = [];

    /// <summary>When the first window ends; null if there is none.</summary>
    public long? NextEnd => windows.Count > 0 ? windows[0].End : null;

    /// <summary>Closes the windows that are over.</summary>
    public void Close(long now, int most)
    {
        int count = 0;
        for (; count < windows.Count && windows[count].End <= now && count < most; count++) PutOut(windows[count], windows[count].End);
        windows.RemoveRange(0, count);
    }

    public void Add(T item, long now, WindowBounds bounds, int maxItems)
    {
        while (bounds.TryOpen(now, windows.Count == 0 || windows[^1].End <= now ? null : windows[^1].End, out long start, out long end))
            windows.Add(new(start, start, end, items.Count, 0));
        items.Add(item);
        for (int i = 0; i < windows.Count; i++)
        {
            Held window = windows[i];
            if (window.End <= now) continue;         // it comes out later
            window = window with { End = bounds.Extend(window.Begin, window.End, now), Count = window.Count + 1 };
            if (window.Count >= maxItems)
            {
                PutOut(window, now);
                window = window with { Start = now, From = items.Count, Count = 0 };
            }
            windows[i] = window;
        }
    }

    public Gathered<T> ToState()
    {
        int first = windows.Min(static window => window.From);
        long[] numbers = [.. windows.SelectMany(window
            => (long[])[window.Begin, window.Start, window.End, window.From - first, window.Count])];
        return new(numbers, [.. items[first..]]);
    }

    private void PutOut(Held window, long end)
    {
        if (window.Count == 0) return;
        T[] its = [.. items.GetRange(window.From, window.Count)];
        Closed.Add(new(new(window.Start, TimeSpan.Zero), new(end, TimeSpan.Zero), its));
    }

    /// <param name="Begin">Where the window begins, whatever came out of it already.</param>
    /// <param name="Start">Where what is held of it begins.</param>
    /// <param name="End">The end; items may extend the window.</param>
    /// <param name="From">The place of its first item.</param>
    /// <param name="Count">The number of its items.</param>
    private readonly record struct Held(long Begin, long Start, long End, int From, int Count);
}
