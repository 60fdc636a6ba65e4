namespace Sluice;

public static partial class Operators
{
    private const int MaxOverlapping = 100;
    private const int MaxEventWindows = 100_000;

    /// <summary>Gathers the items of each stretch of event time: windows of one size, one after the other (tumbling), or another one with every hop (hopping).</summary>
    /// <remarks>
    /// <para>Windows begin on whole multiples of the hop since 1 January 1970 UTC, and an item belongs to all in which its timestamp lies; the beginning belongs to a window, the end does not.
    /// A window comes out when the watermark has reached its end (<see cref="EventTime{T}"/>), and only if something is in it: in the order of the ends.</para>
    /// <para>What comes out are <i>panes</i>: usually one of a window, with all of its items; another one for each item that comes after the window was over and within
    /// <see cref="EventTime{T}.AllowedLateness"/>; and one whenever a window holds <paramref name="maxItems"/>, at once. Panes discard: each item is in one pane of a window. Together they are the window.</para>
    /// <para>At the end the windows that are open come out; a run that is cancelled gives them up. The clock moves nothing, unless <see cref="EventTime{T}.IdleTimeout"/> is given.</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">What comes.</param>
    /// <param name="time">When items happened, and what is late.</param>
    /// <param name="size">How long a window is: more than zero, at most 36,500 days.</param>
    /// <param name="hop">The time from the beginning of a window to that of the next: at most the size, which it is unless given, and at least a hundredth of it.</param>
    /// <param name="maxItems">How many items a window holds, 1 or more.</param>
    /// <returns>The panes. They are new root items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A time or the number is out of range, or more than 100,000 windows would have to be kept at a time.</exception>
    public static Source<Window<T>> Window<T>(this Source<T> source, EventTime<T> time, TimeSpan size, TimeSpan? hop = null, int maxItems = 100_000)
    {
        (long sizeTicks, long hopTicks) = (Positive(size).Ticks, Positive(hop ?? size, nameof(hop)).Ticks);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(hopTicks, sizeTicks, nameof(hop));
        ArgumentOutOfRangeException.ThrowIfLessThan(hopTicks, (sizeTicks + MaxOverlapping - 1) / MaxOverlapping, nameof(hop));
        ArgumentOutOfRangeException.ThrowIfLessThan(maxItems, 1);
        CheckKept(NotNull(time), sizeTicks, hopTicks);
        return NotNull(source).Then(new EventWindowOperator<T>(time, new SlidingAssigner(sizeTicks, hopTicks), maxItems));
    }

    /// <summary>Gathers items that happened close together: a session is over when nothing has happened for a while, in event time.</summary>
    /// <remarks>
    /// <para>Two items belong to one session if less than the gap lies between them, or others of the session do. An item that comes out of order may make one session of two; its items are those
    /// of the earlier one, then those of the later one. A session begins with its first timestamp and ends a gap after its last one.</para>
    /// <para>All else is as with windows of one size (<see cref="Window{T}(Source{T}, EventTime{T}, TimeSpan, TimeSpan?, int)"/>). A session that goes on for ever comes out when it is full.</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">What comes.</param>
    /// <param name="time">When items happened, and what is late.</param>
    /// <param name="gap">How long nothing must happen: more than zero, at most 36,500 days.</param>
    /// <param name="maxItems">How many items a session holds, 1 or more.</param>
    /// <returns>The panes. They are new root items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A time or the number is out of range, or more than 100,000 sessions would have to be kept at a time.</exception>
    public static Source<Window<T>> SessionWindow<T>(this Source<T> source, EventTime<T> time, TimeSpan gap, int maxItems = 100_000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxItems, 1);
        long ticks = Positive(gap).Ticks;
        CheckKept(NotNull(time), 0, ticks);
        return NotNull(source).Then(new EventWindowOperator<T>(time, new SessionAssigner(ticks), maxItems));
    }

    /// <inheritdoc cref="Window{T}(Source{T}, EventTime{T}, TimeSpan, TimeSpan?, int)"/>
    /// <typeparam name="TIn">The type of what goes into the pipe.</typeparam>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="pipe">What comes.</param>
    /// <param name="time">When items happened, and what is late.</param>
    /// <param name="size">How long a window is: more than zero, at most 36,500 days.</param>
    /// <param name="hop">The time from the beginning of a window to that of the next: at most the size, which it is unless given, and at least a hundredth of it.</param>
    /// <param name="maxItems">How many items a window holds, 1 or more.</param>
    public static Pipe<TIn, Window<T>> Window<TIn, T>(this Pipe<TIn, T> pipe, EventTime<T> time, TimeSpan size, TimeSpan? hop = null, int maxItems = 100_000)
        => NotNull(pipe).Then(source => source.Window(time, size, hop, maxItems));

    /// <inheritdoc cref="SessionWindow{T}(Source{T}, EventTime{T}, TimeSpan, int)"/>
    /// <typeparam name="TIn">The type of what goes into the pipe.</typeparam>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="pipe">What comes.</param>
    /// <param name="time">When items happened, and what is late.</param>
    /// <param name="gap">How long nothing must happen: more than zero, at most 36,500 days.</param>
    /// <param name="maxItems">How many items a session holds, 1 or more.</param>
    public static Pipe<TIn, Window<T>> SessionWindow<TIn, T>(this Pipe<TIn, T> pipe, EventTime<T> time, TimeSpan gap, int maxItems = 100_000)
        => NotNull(pipe).Then(source => source.SessionWindow(time, gap, maxItems));

    private static void CheckKept<T>(EventTime<T> time, long size, long distance)
    {
        long kept = ((size + time.MaxOutOfOrderness.Ticks + time.AllowedLateness.Ticks) / distance) + 1;
        if (kept <= MaxEventWindows) return;
        throw new ArgumentOutOfRangeException(nameof(time), kept,
            $"Up to {kept:N0} windows would have to be kept at a time, and {MaxEventWindows:N0} may: take larger windows, or less of MaxOutOfOrderness and AllowedLateness.");
    }
}

internal sealed class EventWindowOperator<T>(EventTime<T> time, WindowAssigner windows, int maxItems) : Operator<T, Window<T>>
{
    public override string Kind => "window";

    public override Delegate Function => time.Timestamp;

    public override string Stateful => "gathers items";

    public override bool IsTimed => true;

    public override bool EndsItems => true;

    public override bool Remembers => true;

    public override StateShape Shape => new("event-time window", typeof(T), 0);

    public override string? OutputName => time.LateOutput;

    public override Inlet<T> Create(StageContext context, Inlet<Window<T>> next) => new EventWindowStage<T>(context, next, time, windows, maxItems);
}
