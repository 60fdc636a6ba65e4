namespace Sluice;

/// <summary>How far event time has come. Event times are UTC ticks; the clock's are ticks of whatever clock it is asked with.</summary>
internal sealed class Watermark(long outOfOrderness, long? idle)
{
    private long from = long.MinValue;               // where it was when the last item came
    private long came;                               // and when that was, by the clock
    private (long, long, long) saved = (long.MinValue, long.MinValue, 0);

    /// <summary>Nothing that happened before this is expected any more.</summary>
    public long At { get; private set; } = long.MinValue;

    /// <summary>An item has come.</summary>
    public void Observe(long timestamp, long now)
    {
        At = Math.Max(At, timestamp - outOfOrderness);
        from = At;
        if (idle is not null) came = now;
    }

    /// <summary>Time has passed; that counts where nothing has come for long enough. A clock that was set back counts for nothing.</summary>
    public void Pass(long now)
    {
        if (idle is { } wait && from != long.MinValue && now - came >= wait) At = Math.Max(At, from + (now - came));
    }

    /// <summary>When it will have come as far as this if nothing comes; null for never.</summary>
    public long? DueAt(long end) => idle is { } wait && from != long.MinValue ? came + Math.Max(wait, end - from) : null;

    /// <summary>Everything that is to be stored; null if that has not changed.</summary>
    public long[]? Changed()
    {
        if (saved == (At, from, came)) return null;
        saved = (At, from, came);
        return All;
    }

    public long[] All => [At, from, came];

    public void Restore(ReadOnlySpan<long> stored) => saved = (At, from, came) = (stored[0], stored[1], stored[2]);
}
