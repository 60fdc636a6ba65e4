namespace Sluice.Pipelines;

/// <summary>Gathers items into windows of processing time, kept in the order of their ends. All times are UTC ticks.</summary>
internal sealed class WindowStage<T> : TimedStage<T, Window<T>>, IStateful, IEndsInSteps
{
    private readonly WindowBounds bounds;
    private readonly int maxItems;
    private readonly long origin;
    private readonly StateScope? scope;              // in a consecutor
    private readonly List<Gathered> open = [];
    private readonly List<Gathered> closed = [];     // until their rows are deleted
    private int ended;                               // since the last commit

    public WindowStage(StageContext context, Inlet<Window<T>> next, WindowBounds bounds, int maxItems) : base(context, next)
    {
        (this.bounds, this.maxItems, scope) = (bounds, maxItems, context.Scope);
        origin = context.KeyClock?.StartOfDay ?? context.Run.Time.GetUtcNow().UtcTicks - Now.Ticks;
    }

    public bool HasMoreToEnd => open.Count > 0 || closed.Sum(static window => window.Stored.Gone) > StateWriter.MaxSpareRows;

    // A run uses the monotonic clock; over restarts, only the time of day exists.
    private new long UtcNow => scope is not null ? base.UtcNow.UtcTicks : origin + Now.Ticks;

    public void Restore(StateReader stored)
    {
        foreach (StatePart rows in StatePart.Of(stored))
        {
            Gathered window = new(rows);
            (window.IsStored ? open : closed).Add(window);
        }
        open.Sort(static (one, other) => one.End.CompareTo(other.End));
        if (open.Count > 0) SetTimer(new(open[0].End - UtcNow));
    }

    public void Save(StateWriter changes)
    {
        ended = 0;
        closed.RemoveAll(window => window.Delete(changes));
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
        while (bounds.TryOpen(now, open.Count == 0 || open[^1].End <= now ? null : open[^1].End, out long start, out long end))
            open.Add(Open(start, end));
        bool full = false;
        foreach (Gathered window in open)
        {
            if (window.End <= now) continue;         // it comes out with a later commit
            window.End = bounds.Extend(window.Begin, window.End, now);
            window.Items.Add(item);
            full |= window.Items.Count >= maxItems;  // more, if it may hold fewer now than when it was stored
        }
        if (!IsTimerSet) SetTimer(new(open[0].End - UtcNow));      // the window before it may have taken long to come out
        return full;
    }

    private Gathered Open(long start, long end)
    {
        // Windows of two sizes may begin at one moment: those of another size were stored by earlier code.
        Gathered window = new(start, end,
            isAlone: !open.Exists(other => other.Begin == start) && !closed.Exists(other => other.IsStored && other.Begin == start));
        // A window that has come out early, at the end of the input, opens again for an item that is redriven.
        if (closed.Find(other => other.Name == window.Name) is not { } before) return window;
        closed.Remove(before);
        window.TakeOver(before);
        return window;
    }

    /// <summary>Puts out the windows that are over, as many as one commit takes.</summary>
    private async ValueTask CloseAsync(long now)
    {
        // Removed from the list first: if a stopping run breaks the push off, the next call must not repeat it.
        for (; open.Count > 0 && open[0].End <= now && !(ended >= scope?.MaxEmissions); ended++)
        {
            Gathered window = open[0];
            open.RemoveAt(0);
            if (scope is not null) closed.Add(window);
            if (window.Items.Count > 0) await EmitAsync(window.Start, window.End, window.Items);
        }
        if (open.Count > 0) SetTimer(new(open[0].End - UtcNow));
    }

    private async ValueTask EmitFullAsync(long now)
    {
        foreach (Gathered window in open)
        {
            if (window.Items.Count < maxItems || window.End <= now) continue;
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
        private const string Head = "/head", Pages = "/items", Gone = "/gone";

        private (long Start, long End)? saved;

        /// <param name="start">The start.</param>
        /// <param name="end">The end; items may extend the window.</param>
        /// <param name="isAlone">Whether no other window that is stored begins at the same moment.</param>
        public Gathered(long start, long end, bool isAlone)
        {
            Name = isAlone ? string.Create(CultureInfo.InvariantCulture, $"{start:D19}")
                : string.Create(CultureInfo.InvariantCulture, $"{start:D19}-{end:D19}");
            (Begin, Start, End, Stored) = (start, start, end, new(Name + Pages, Name + Gone));
        }

        /// <summary>Loads a window. Without a head, only rows are left of it, which are still to be deleted.</summary>
        public Gathered(StatePart rows)
        {
            Name = rows.Name;
            Stored = new(Name + Pages, Name + Gone);
            if (!rows.Has(Name + Head))
            {
                Stored.RestoreGone(rows);
                return;
            }
            long[] times = [.. rows.GetMany<long>(Name + Head)];
            (Begin, Start, End) = (times[0], times[1], times[2]);
            saved = (Start, End);
            Items = Stored.Restore<T>(rows);
        }

        /// <summary>Tells the rows of one window apart.</summary>
        public string Name { get; }

        public RememberedList Stored { get; private set; }

        public bool IsStored => saved is not null;

        /// <summary>Continues the rows of a window of this name, whose items have come out.</summary>
        public void TakeOver(Gathered before)
        {
            Stored = before.Stored;
            Stored.Clear();
        }

        public void Save(StateWriter changes)
        {
            if (saved != (Start, End)) changes.PutMany<long>(Name + Head, [Begin, Start, End]);
            saved = (Start, End);
            Stored.Save<T>(changes, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(Items));
        }

        /// <returns>Whether all rows are deleted; if not, call it again for the next commit.</returns>
        public bool Delete(StateWriter changes)
        {
            if (IsStored) changes.Delete(Name + Head);
            (saved, Items) = (null, []);
            return Stored.Delete(changes);
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
