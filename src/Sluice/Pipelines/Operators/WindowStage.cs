namespace Sluice.Pipelines;

/// <summary>Gathers items into windows of processing time, kept in the order of their ends. All times are UTC ticks.</summary>
internal sealed class WindowStage<T> : TimedStage<T, Window<T>>, IStateful
{
    private readonly WindowBounds bounds;
    private readonly int maxItems;
    private readonly long origin;
    private readonly bool isStored;
    private readonly List<Gathered> open = [];
    private readonly List<Gathered> closed = [];     // since the last commit

    public WindowStage(StageContext context, Inlet<Window<T>> next, WindowBounds bounds, int maxItems) : base(context, next)
    {
        (this.bounds, this.maxItems, isStored) = (bounds, maxItems, context.Scope is not null);
        origin = context.Run.Time.GetUtcNow().UtcTicks - Now.Ticks;
    }

    // A run uses the monotonic clock; over restarts, only the time of day exists.
    private new long UtcNow => isStored ? base.UtcNow.UtcTicks : origin + Now.Ticks;

    public void Restore(StateReader stored)
    {
        foreach (string row in stored.Keys)
        {
            if (!Gathered.IsHead(row)) continue;
            long[] times = [.. stored.GetMany<long>(row)];
            open.Add(new(row, times, stored));
        }
        open.Sort(static (one, other) => one.End.CompareTo(other.End));
        if (open.Count > 0) SetTimer(new(open[0].End - UtcNow));
    }

    public void Save(StateWriter changes)
    {
        foreach (Gathered window in closed) window.Delete(changes);
        closed.Clear();
        foreach (Gathered window in open) window.Save(changes);
    }

    protected override ValueTask OnItemAsync(T item, Ticket? ticket)
    {
        ticket?.Settle(Outcome.Completed);           // gathered now: a window is a root item of its own
        long now = UtcNow;
        if (open.Count > 0 && open[0].End <= now) return CloseAndAddAsync(item);
        return Add(item, now) ? EmitFullAsync(now) : default;
    }

    protected override ValueTask OnTickAsync() => CloseAsync(UtcNow);

    protected override ValueTask OnEndAsync() => CloseAsync(long.MaxValue);

    private async ValueTask CloseAndAddAsync(T item)
    {
        long now = UtcNow;
        await CloseAsync(now);
        if (Add(item, now)) await EmitFullAsync(now);
    }

    /// <returns>Whether a window is full.</returns>
    private bool Add(T item, long now)
    {
        while (bounds.TryOpen(now, open.Count == 0 ? null : open[^1].End, out long start, out long end)) open.Add(Open(start, end));
        bool full = false;
        foreach (Gathered window in open)
        {
            window.End = bounds.Extend(window.Begin, window.End, now);
            window.Items.Add(item);
            full |= window.Items.Count >= maxItems;  // more, if it may hold fewer now than when it was stored
        }
        if (!IsTimerSet) SetTimer(new(open[0].End - now));
        return full;
    }

    /// <summary>Windows of two sizes may begin at one moment: those of another size were stored by earlier code.</summary>
    private Gathered Open(long start, long end)
        => new(start, end, isAlone: !open.Exists(other => other.Begin == start) && !closed.Exists(other => other.Begin == start));

    private async ValueTask CloseAsync(long now)
    {
        // Removed from the list first: if a stopping run breaks the push off, the next call must not repeat it.
        while (open.Count > 0 && open[0].End <= now)
        {
            Gathered window = open[0];
            open.RemoveAt(0);
            if (isStored) closed.Add(window);
            if (window.Items.Count > 0) await EmitAsync(window.Start, window.End, window.Items);
        }
        if (open.Count > 0) SetTimer(new(open[0].End - UtcNow));
    }

    private async ValueTask EmitFullAsync(long now)
    {
        foreach (Gathered window in open)
        {
            if (window.Items.Count < maxItems) continue;
            (long start, List<T> items) = (window.Start, window.Items);
            (window.Start, window.Items) = (now, []);
            window.Stored.Clear();
            await EmitAsync(start, now, items);
        }
    }

    private ValueTask EmitAsync(long start, long end, List<T> items)
        => EmitAsync(new Window<T>(new(start, TimeSpan.Zero), new(end, TimeSpan.Zero), items.AsReadOnly()), null);

    /// <summary>An open window.</summary>
    private sealed class Gathered
    {
        private const string Head = "/head", Pages = "/items";

        private readonly string name;                // tells the rows of one window apart
        private (long Start, long End) saved;
        private bool isSaved;

        /// <param name="start">The start.</param>
        /// <param name="end">The end; items may extend the window.</param>
        /// <param name="isAlone">Whether no other window that is stored begins at the same moment.</param>
        public Gathered(long start, long end, bool isAlone)
        {
            name = isAlone ? string.Create(CultureInfo.InvariantCulture, $"{start:D19}")
                : string.Create(CultureInfo.InvariantCulture, $"{start:D19}-{end:D19}");
            (Begin, Start, End, Stored) = (start, start, end, new(name + Pages));
        }

        /// <param name="head">The key of its first row.</param>
        /// <param name="times">The values of that row.</param>
        /// <param name="stored">Its rows.</param>
        public Gathered(string head, long[] times, StateReader stored)
        {
            name = head[..^Head.Length];
            (Begin, Start, End, Stored) = (times[0], times[1], times[2], new(name + Pages));
            (saved, isSaved, Items) = ((Start, End), true, Stored.Restore<T>(stored));
        }

        public RememberedList Stored { get; }

        public static bool IsHead(string row) => row.EndsWith(Head, StringComparison.Ordinal);

        public void Save(StateWriter changes)
        {
            if (!isSaved || saved != (Start, End)) changes.PutMany<long>(name + Head, [Begin, Start, End]);
            (saved, isSaved) = ((Start, End), true);
            Stored.Save<T>(changes, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(Items));
        }

        public void Delete(StateWriter changes)
        {
            if (isSaved) changes.Delete(name + Head);
            Stored.Clear();
            Stored.Save<T>(changes, []);
        }

        /// <summary>Where the window begins, whatever came out of it already.</summary>
        public long Begin { get; }

        /// <summary>Where what is held of it begins.</summary>
        public long Start { get; set; }

        public long End { get; set; }

        public List<T> Items { get; set; } = [];
    }
}

/// <summary>The bounds of windows, in UTC ticks.</summary>
internal abstract class WindowBounds
{
    /// <summary>Whether another window is open at <paramref name="now"/>, beside those up to the one that ends
    /// <paramref name="last"/>.</summary>
    public abstract bool TryOpen(long now, long? last, out long start, out long end);

    /// <summary>The end of a window into which an item comes.</summary>
    public virtual long Extend(long start, long end, long now) => end;
}

/// <summary>Windows of one size, one with every hop.</summary>
internal sealed class SlidingWindows(long size, long hop) : WindowBounds
{
    public override bool TryOpen(long now, long? last, out long start, out long end)
    {
        // The next one is the first to end behind the last one, whatever the size of that. Its turn comes when items need it: windows
        // without overlap take each item once, also if the last one is shorter.
        bool isDue = last is null || last + hop - size <= now;
        start = isDue ? WindowGrid.FirstStart(last ?? now, size, hop) : 0;
        end = start + size;
        return isDue;
    }
}

/// <summary>A window that each item extends.</summary>
internal sealed class SessionWindows(long gap, long longest) : WindowBounds
{
    public override bool TryOpen(long now, long? last, out long start, out long end)
    {
        (start, end) = (now, now + Math.Min(gap, longest));
        return last is null;
    }

    public override long Extend(long start, long end, long now) => Math.Min(now + gap, start + longest);
}
