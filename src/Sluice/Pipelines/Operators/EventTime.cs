namespace Sluice;

/// <summary>
/// Event time: when something happened, as the item itself says, and how far that may come out of order. For windows that do not depend on when items get here
/// (<see cref="Operators.Window{T}(Source{T}, EventTime{T}, TimeSpan, TimeSpan?, int)"/>).
/// </summary>
/// <remarks>
/// <para>
/// The <i>watermark</i> says how far event time has come: it is the latest timestamp seen, less <see cref="MaxOutOfOrderness"/>, and never goes back. A window is over when the watermark has
/// reached its end. There is one watermark for each instance of the stage: one in a run, one for each lane behind <see cref="Stage.KeyBy"/>, one for each partition of a consecutor.
/// </para>
/// <para>One timestamp that is far too late moves the watermark there, and makes everything behind it late: check what comes from outside. Immutable.</para>
/// </remarks>
/// <typeparam name="T">The type of the items.</typeparam>
/// <param name="Timestamp">When an item happened. Where it throws, the item fails.</param>
public sealed record EventTime<T>(Func<T, DateTimeOffset> Timestamp)
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(36_500);

    /// <summary>When an item happened.</summary>
    public Func<T, DateTimeOffset> Timestamp { get; init; } = Timestamp ?? throw new ArgumentNullException(nameof(Timestamp));

    /// <summary>How much earlier than the latest timestamp seen an item may be without being late: zero unless given, at most 36,500 days. Windows come out so much later.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or too long.</exception>
    public TimeSpan MaxOutOfOrderness { get; init => field = Check(value, nameof(MaxOutOfOrderness)); }

    /// <summary>
    /// How long, in event time, a window still takes items after it was over: zero unless given, at most 36,500 days. Each of them comes out at once, as another pane of
    /// its window (<see cref="Window{T}.Pane"/>). What comes later than that is late.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or too long.</exception>
    public TimeSpan AllowedLateness { get; init => field = Check(value, nameof(AllowedLateness)); }

    /// <summary>The named output for late items: those that belong to no window any more. Null unless given: then they are skipped, and counted as that.</summary>
    public string? LateOutput { get; init; }

    /// <summary>
    /// After how long without items the watermark goes on by itself, with the clock of the run: from then on it is as far behind as it was when the last item came. More than zero;
    /// null unless given: then windows stay open until an item moves the watermark.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or too long.</exception>
    public TimeSpan? IdleTimeout
    {
        get;
        init
        {
            if (value is { } time) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Check(time, nameof(IdleTimeout)), TimeSpan.Zero, nameof(IdleTimeout));
            field = value;
        }
    }

    private static TimeSpan Check(TimeSpan time, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(time, Longest, name);
        return time;
    }
}
