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
            open.Add(new(times[0], times[1], times[2], stored));
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
        while (bounds.TryOpen(now, open.Count == 0 ? null : open[^1].End, out long start, out long end)) open.Add(new(start, end));
        bool full = false;
        foreach (Gathered window in open)
        {
            window.End = bounds.Extend(window.Begin, window.End, now);
            window.Items.Add(item);
            full |= window.Items.Count == maxItems;
        }
        if (!IsTimerSet) SetTimer(new(open[0].End - now));
        return full;
    }

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
        private (long Start, long End) saved;
        private bool isSaved;

        public Gathered(long start, long end)
        {
            (Begin, Start, End) = (start, start, end);
            Stored = new(Row("items"));
        }

        public Gathered(long begin, long start, long end, StateReader stored) : this(begin, end)
        {
            (Start, saved, isSaved) = (start, (start, end), true);
            Items = Stored.Restore<T>(stored);
        }

        public RememberedList Stored { get; }

        public static bool IsHead(string row) => row.EndsWith("/head", StringComparison.Ordinal);

        public void Save(StateWriter changes)
        {
            if (!isSaved || saved != (Start, End)) changes.PutMany<long>(Row("head"), [Begin, Start, End]);
            (saved, isSaved) = ((Start, End), true);
            Stored.Save<T>(changes, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(Items));
        }

        public void Delete(StateWriter changes)
        {
            if (isSaved) changes.Delete(Row("head"));
            Stored.Clear();
            Stored.Save<T>(changes, []);
        }

        // The last part tells rows of one window apart.
        private string Row(string what) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Begin:D19}/{what}");

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
        // The first that contains this moment is the one after the last that begins a whole size or more before it.
        start = last + hop - size ?? WindowGrid.FirstStart(now, size, hop);
        end = start + size;
        return start <= now;
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
