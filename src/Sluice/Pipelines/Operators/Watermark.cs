namespace Sluice.Pipelines;

/// <summary>The progress of event time. Event times are UTC ticks; clock times are ticks of the clock that the caller uses.</summary>
internal sealed class Watermark(long outOfOrderness, long? idle)
{
    private long from = long.MinValue;               // the watermark when the last item came
    private long came;                               // the clock time when the last item came, also without an idle timeout
    private (long, long, long) saved = (long.MinValue, long.MinValue, 0);

    /// <summary>The watermark, in UTC ticks: no earlier items are expected any more.</summary>
    public long At { get; private set; } = long.MinValue;

    /// <summary>Notes that an item has come.</summary>
    public void Observe(long timestamp, long now)
    {
        At = Math.Max(At, timestamp - outOfOrderness);
        from = At;
        came = now;
    }

    /// <summary>Advances an idle watermark with the clock. If the clock was set back, the watermark stays.</summary>
    public void Pass(long now)
    {
        if (idle is { } wait && from != long.MinValue && now - came >= wait) At = Math.Max(At, from + (now - came));
    }

    /// <summary>Returns the clock time at which the watermark reaches a moment if no item comes; null for never.</summary>
    public long? DueAt(long end) => idle is { } wait && from != long.MinValue ? came + Math.Max(wait, end - from) : null;

    /// <summary>Returns the values to store; null if they have not changed.</summary>
    public long[]? Changed()
    {
        if (saved == (At, from, idle is null ? saved.Item3 : came)) return null;
        saved = (At, from, came);
        return All;
    }

    public long[] All => [At, from, came];

    /// <param name="stored">What was stored.</param>
    /// <param name="now">The clock time, from which a watermark is idle that was stored by code that did not note when items came.</param>
    public void Restore(ReadOnlySpan<long> stored, long now)
    {
        saved = (At, from, came) = (stored[0], stored[1], stored[2]);
        if (came == 0) came = now;
    }
}
