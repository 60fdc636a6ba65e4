namespace Sluice;

public static partial class SourceExtensions
{
    private const int MaxThrottled = 1_000_000;

    /// <summary>Lets a limited number of items through per period. If items come faster, they and their source wait; no item is
    /// dropped.</summary>
    /// <remarks>
    /// <para>In any stretch of time as long as the period, wherever it begins, no more than <paramref name="items"/> come out. They may
    /// come in a burst, with a pause behind it. Time that went by unused is not saved up.</para>
    /// <para>When <paramref name="smooth"/>, items are due at even distances of <c>per / items</c>. The system's timers are a millisecond
    /// or more late, and a smooth throttle makes up for that: items whose time has passed come out together. So it keeps its rate, not the
    /// bound. It makes up for 100 milliseconds at most, and never for more than the period. After a late timer, a period of a second has
    /// up to a tenth more items, or one more if that is less than one, and a period of 100 milliseconds or less up to twice as many. If
    /// the bound is what counts, leave <paramref name="smooth"/> out.</para>
    /// <para>Holds one item, the one that waits. At the end and in a drain, what has come in still waits for its turn; a run that is
    /// cancelled gives it up. The clock is the run's (<see cref="RunOptions.Time"/>).</para>
    /// <para>In a consecutor it paces what this process starts, all partitions together; attempts count like items, and a process that
    /// starts begins anew. Redriven letters and halves of lists take turns with the other items. They have a pace of their own, and none
    /// if they enter behind it.</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="items">The number of items per period, 1 to 1,000,000.</param>
    /// <param name="per">The period: more than zero, at most 36,500 days.</param>
    /// <param name="smooth">True: items are spread evenly over the period.</param>
    /// <returns>The same items, in the same order.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number or the period is out of range.</exception>
    [AlsoForPipes]
    public static Source<T> Throttle<T>(this Source<T> source, int items, TimeSpan per, bool smooth = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(items, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(items, MaxThrottled);
        return NotNull(source).Then(new ThrottleOperator<T>(items, Positive(per), smooth));
    }
}

internal sealed class ThrottleOperator<T>(int items, TimeSpan per, bool smooth) : TimedOperator<T>
{
    public override string Kind => "throttle";

    public override string Stateful => "remembers when items went through";

    public override bool CountsOnOneRun => true;

    // What it forgets with the process is worth nothing: it begins with a burst then, and no item rests in it.
    public override string? Forgets => null;

    public override Inlet<T> Create(StageContext context, Inlet<T> next)
        => new ThrottleStage<T>(context, next, smooth ? new EvenPace(per, items) : new BurstPace(per, items));
}

internal sealed class ThrottleStage<T>(StageContext context, Inlet<T> next, Pace pace) : TimedStage<T, T>(context, next)
{
    protected override ValueTask OnItemAsync(T item, Ticket? ticket)
    {
        TimeSpan now = Now;
        if (pace.NextAt > now) return WaitAsync(item, ticket);
        pace.Take(now, waited: false);
        return EmitAsync(item, ticket);
    }

    protected override ValueTask OnTickAsync()
    {
        SignalChange();
        return default;
    }

    private async ValueTask WaitAsync(T item, Ticket? ticket)
    {
        SetTimer(pace.NextAt - Now);
        while (IsTimerSet) await WaitForChangeAsync();
        pace.Take(Now, waited: true);
        await EmitAsync(item, ticket);
    }
}

/// <summary>Decides when the next item may go. Times are those of the stage.</summary>
internal abstract class Pace
{
    /// <summary>The earliest time for the next item.</summary>
    public TimeSpan NextAt { get; protected set; } = TimeSpan.MinValue;

    /// <summary>An item goes now.</summary>
    /// <param name="now">Not before <see cref="NextAt"/>.</param>
    /// <param name="waited">Whether it had to wait for its turn.</param>
    public abstract void Take(TimeSpan now, bool waited);
}

/// <summary>At even distances.</summary>
internal sealed class EvenPace(TimeSpan per, int items) : Pace
{
    private static readonly TimeSpan MaxLate = TimeSpan.FromMilliseconds(100);          // of a timer; more is a process that stood still

    private readonly TimeSpan makesUp = per < MaxLate ? per : MaxLate;
    private readonly TimeSpan step = new((per.Ticks + items - 1) / items);
    private TimeSpan woken = TimeSpan.MinValue;

    // What waited was held up by a timer that went off late, and so was everything that was due before it went off: that is
    // counted from when it was due. What came late by itself is not made up for.
    public override void Take(TimeSpan now, bool waited)
    {
        if (waited) woken = now;
        bool heldUp = NextAt > TimeSpan.MinValue && NextAt <= woken;
        TimeSpan from = now - makesUp;
        NextAt = (!heldUp ? now : NextAt > from ? NextAt : from) + step;
    }
}

/// <summary>As they come, until as many as are allowed have gone within the period.</summary>
internal sealed class BurstPace(TimeSpan per, int items) : Pace
{
    private readonly Queue<TimeSpan> gone = new();

    public override void Take(TimeSpan now, bool waited)
    {
        if (gone.Count == items) gone.Dequeue();
        gone.Enqueue(now);
        if (gone.Count == items) NextAt = gone.Peek() + per;
    }
}
