namespace Sluice;

/// <summary>Event time: the time at which an item happened, as the item says, and how far items may come out of order. For windows that do
/// not depend on the time of arrival
/// (<see cref="SourceExtensions.Window{T}(Source{T}, EventTime{T}, TimeSpan, TimeSpan?, int)"/>).</summary>
/// <remarks><para>The <i>watermark</i> is the progress of event time: the latest timestamp seen, less <see cref="MaxOutOfOrderness"/>. It
/// never goes back. A window closes when the watermark has reached its end. Each instance of the stage has one watermark: one in a run, one
/// for each key behind <see cref="Stage.KeyBy"/>, one for each partition of a consecutor.</para>
/// <para>One timestamp far in the future moves the watermark there, and makes all following items late: check timestamps from outside.
/// Immutable.</para></remarks>
/// <typeparam name="T">The type of the items.</typeparam>
/// <param name="Timestamp">Returns the time at which an item happened. If it throws, the item fails.</param>
public sealed record EventTime<T>(Func<T, DateTimeOffset> Timestamp)
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(36_500);

    /// <summary>Returns the time at which an item happened.</summary>
    public Func<T, DateTimeOffset> Timestamp { get; init; } = Timestamp ?? throw new ArgumentNullException(nameof(Timestamp));

    /// <summary>How much earlier than the latest timestamp seen an item may be without being late: zero by default, at most 36,500 days.
    /// Windows come out later by this time.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative or too long.</exception>
    public TimeSpan MaxOutOfOrderness { get; init => field = Check(value, nameof(MaxOutOfOrderness)); }

    /// <summary>How long, in event time, a closed window still takes items: zero by default, at most 36,500 days. Each such item comes out
    /// at once, as another pane of its window (<see cref="Window{T}.Pane"/>). Items after that are late.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative or too long.</exception>
    public TimeSpan AllowedLateness { get; init => field = Check(value, nameof(AllowedLateness)); }

    /// <summary>The named output for late items: items that belong to no window any more. By default null: late items are counted as
    /// skipped.</summary>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public string? LateOutput
    {
        get;
        init
        {
            if (value is not null) ArgumentException.ThrowIfNullOrEmpty(value, nameof(LateOutput));
            field = value;
        }
    }

    /// <summary>The time without items after which the watermark advances with the clock of the run. It then stays as far behind the clock
    /// as it was when the last item came. More than zero; by default null: windows stay open until an item moves the watermark.</summary>
    /// <remarks><para>Time in which the stage waits for the stages behind it does not count, nor, behind <see cref="Stage.KeyBy"/>, time in
    /// which items of any key wait for an item of another key, nor, in a consecutor, time in which items wait in the store. Time in which
    /// a stage in front of it works on an item does count.</para>
    /// <para>The clock closes the windows that are open. When it has closed the last one, the watermark stops until an item
    /// comes.</para></remarks>
    /// <exception cref="ArgumentOutOfRangeException">The time is zero or less, or too long.</exception>
    public TimeSpan? IdleTimeout
    {
        get;
        init
        {
            if (value is { } time) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Check(time, nameof(IdleTimeout)), TimeSpan.Zero,
                nameof(IdleTimeout));
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
