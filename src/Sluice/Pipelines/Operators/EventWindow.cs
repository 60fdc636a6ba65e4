using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    private const int MaxOverlapping = 100;
    private const int MaxEventWindows = 100_000;

    /// <summary>Gathers items into windows of event time of one size: one after the other (tumbling), or a new one with every hop
    /// (hopping).</summary>
    /// <remarks><para>Windows start on whole multiples of the hop since 1 January 1970 UTC. An item belongs to every window that contains
    /// its timestamp; the start belongs to a window, the end does not. A window comes out when the watermark has reached its end
    /// (<see cref="EventTime{T}"/>), in the order of the ends, and only if it has items.</para>
    /// <para>Windows come out as <i>panes</i>: usually one pane with all items of the window; another one for each item that comes after
    /// the window closed but within <see cref="EventTime{T}.AllowedLateness"/>; and one at once whenever a window holds
    /// <paramref name="maxItems"/> items. Each item is in exactly one pane of a window; all panes together are the window.</para>
    /// <para>At the end, open windows come out; a run that is cancelled drops them. The clock closes no window unless
    /// <see cref="EventTime{T}.IdleTimeout"/> is given.</para></remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="time">The event time of items, and when they are late.</param>
    /// <param name="size">The length of a window: more than zero, at most 36,500 days.</param>
    /// <param name="hop">The time from the start of a window to the start of the next one: at most the size, which is the default, and at
    /// least a hundredth of it.</param>
    /// <param name="maxItems">The number of items that a window holds, 1 or more.</param>
    /// <returns>The panes. They are new root items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A time or the number is out of range, or more than 100,000 windows would be kept at a
    /// time.</exception>
    [AlsoForPipes]
    public static Source<Window<T>> Window<T>(this Source<T> source, EventTime<T> time, TimeSpan size, TimeSpan? hop = null,
        int maxItems = 100_000)
    {
        (long sizeTicks, long hopTicks) = (Positive(size).Ticks, (hop is { } given ? Positive(given, nameof(hop)) : size).Ticks);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(hopTicks, sizeTicks, nameof(hop));
        ArgumentOutOfRangeException.ThrowIfLessThan(hopTicks, (sizeTicks + MaxOverlapping - 1) / MaxOverlapping, nameof(hop));
        ArgumentOutOfRangeException.ThrowIfLessThan(maxItems, 1);
        CheckKept(NotNull(time), sizeTicks, hopTicks);
        return NotNull(source).Then(new EventWindowOperator<T>(time, new SlidingAssigner(sizeTicks, hopTicks), maxItems));
    }

    /// <summary>Gathers items into sessions: a session closes when no item has happened for a while, in event time.</summary>
    /// <remarks><para>Two items belong to one session if less than the gap lies between them, or between each two neighbours from one to
    /// the other. An item out of order may join two sessions into one: the items of the earlier one come first. A session starts at its
    /// first timestamp and ends one gap after its last.</para>
    /// <para>Everything else is as in windows of one size (<see cref="Window{T}(Source{T}, EventTime{T}, TimeSpan, TimeSpan?, int)"/>). A
    /// session without end comes out whenever it is full.</para></remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="time">The event time of items, and when they are late.</param>
    /// <param name="gap">The time without items that ends a session: more than zero, at most 36,500 days.</param>
    /// <param name="maxItems">The number of items that a session holds, 1 or more.</param>
    /// <returns>The panes. They are new root items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A time or the number is out of range, or more than 100,000 sessions would be kept at a
    /// time.</exception>
    [AlsoForPipes]
    public static Source<Window<T>> SessionWindow<T>(this Source<T> source, EventTime<T> time, TimeSpan gap, int maxItems = 100_000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxItems, 1);
        long ticks = Positive(gap).Ticks;
        CheckKept(NotNull(time), 0, ticks);
        return NotNull(source).Then(new EventWindowOperator<T>(time, new SessionAssigner(ticks), maxItems));
    }

    private static void CheckKept<T>(EventTime<T> time, long size, long distance)
    {
        long kept = ((size + time.MaxOutOfOrderness.Ticks + time.AllowedLateness.Ticks) / distance) + 1;
        if (kept <= MaxEventWindows) return;
        throw new ArgumentOutOfRangeException(nameof(time), kept,
            $"Up to {kept:N0} windows would have to be kept at a time, and {MaxEventWindows:N0} may: take larger windows, or less of "
                + $"MaxOutOfOrderness and AllowedLateness.");
    }
}

internal sealed class EventWindowOperator<T>(EventTime<T> time, WindowAssigner windows, int maxItems) : Operator<T, Window<T>>
{
    public override string Kind => "window";

    public override Delegate Function => time.Timestamp;

    public override string Stateful => "gathers items";

    public override bool IsTimed => true;

    public override bool CountsOpenTime => time.IdleTimeout is not null;

    public override bool EndsItems => true;

    public override bool Remembers => true;

    public override StateShape Shape
        => new($"event-time {windows.Form} window", typeof(T), 0) { Older = new StateShape("event-time window", typeof(T), 0).ToString() };

    public override string? OutputName => time.LateOutput;

    public override Inlet<T> Create(StageContext context, Inlet<Window<T>> next)
        => new EventWindowStage<T>(context, next, time, windows, maxItems);
}
