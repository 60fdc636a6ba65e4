using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Lets the last item of a burst out, when no other item has come for a while; the earlier items of the burst are
    /// skipped.</summary>
    /// <remarks><para>For bursts of which only the end result counts: keystrokes, changes of a file. A stream that never rests puts out no
    /// item; use <see cref="Sample{T}(Source{T}, TimeSpan)"/> instead.</para>
    /// <para>Holds one item. At the end and in a drain, the held item comes out at once; a run that is cancelled drops it. An item that
    /// comes at the exact moment of expiry is a new one: the item before it comes out. While the next stage is busy with an item, items
    /// wait for it and are not skipped. The clock is that of the run (<see cref="RunOptions.Time"/>).</para></remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="quiet">The time without items after which the last one comes out: more than zero, at most 36,500 days.</param>
    /// <returns>The last item of each burst.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    [AlsoForPipes]
    public static Source<T> Debounce<T>(this Source<T> source, TimeSpan quiet)
        => NotNull(source).Then(new DebounceOperator<T>(Positive(quiet)));

    /// <summary>Puts out the newest item of each period, at the end of the period; other items are skipped. A period without items puts out
    /// none.</summary>
    /// <remarks>
    /// <para>Periods follow one another from the start of the run; an item that comes at the very end of one belongs to the next.</para>
    /// <para>Holds one item. The newest of the period in which the input ends comes out at once, and so in a drain; a run that is
    /// cancelled gives it up. While what follows is busy with an item, items wait for it and are not skipped. The clock is the run's
    /// (<see cref="RunOptions.Time"/>); when it jumps over several periods, one item comes out.</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="period">The length of a period: more than zero, at most 36,500 days.</param>
    /// <returns>At most one item per period.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The period is out of range.</exception>
    [AlsoForPipes]
    public static Source<T> Sample<T>(this Source<T> source, TimeSpan period)
        => NotNull(source).Then(new SampleOperator<T>(Positive(period)));
}

internal sealed class DebounceOperator<T>(TimeSpan quiet) : TimedOperator<T>
{
    public override string Kind => "debounce";

    public override string Stateful => "remembers the last item";

    public override Operator<T, T> StoredByKey => new StoredByKeyOperator<T, T>(this, () => new DebounceNode<T>(quiet));

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new DebounceStage<T>(context, next, quiet);
}

/// <summary>Items do not move the timer: if it fires too early, it is set to the rest of the time.</summary>
internal sealed class DebounceStage<T>(StageContext context, Inlet<T> next, TimeSpan quiet) : NewestStage<T>(context, next)
{
    private TimeSpan over;

    protected override ValueTask OnItemAsync(T item, Ticket? ticket)
    {
        TimeSpan now = Now, until = over;
        over = now + quiet;
        if (!IsTimerSet) SetTimer(quiet);
        return now < until ? Replace(item, ticket) : ReleaseAndHoldAsync(item, ticket);
    }

    protected override ValueTask OnTickAsync()
    {
        if (!HasItem) return default;
        TimeSpan left = over - Now;
        if (left <= TimeSpan.Zero) return ReleaseAsync();
        SetTimer(left);
        return default;
    }
}

internal sealed class SampleOperator<T>(TimeSpan period) : TimedOperator<T>
{
    public override string Kind => "sample";

    public override string Stateful => "remembers the newest item";

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new SampleStage<T>(context, next, period);
}

/// <summary>Puts out the newest item of each period. The timer is set only while an item is held.</summary>
internal sealed class SampleStage<T>(StageContext context, Inlet<T> next, TimeSpan period) : NewestStage<T>(context, next)
{
    private TimeSpan over;

    protected override ValueTask OnItemAsync(T item, Ticket? ticket)
    {
        TimeSpan now = Now;
        if (HasItem && now < over) return Replace(item, ticket);
        over = new(now.Ticks - (now.Ticks % period.Ticks) + period.Ticks);
        SetTimer(over - now);
        return ReleaseAndHoldAsync(item, ticket);    // what is held is of a period that is over, though its tick has not come
    }

    protected override ValueTask OnTickAsync() => ReleaseAsync();
}

/// <summary>Holds the newest item until its time has come, or the end.</summary>
internal abstract class NewestStage<T>(StageContext context, Inlet<T> next) : TimedStage<T, T>(context, next)
{
    private T newest = default!;
    private Ticket? newestTicket;

    protected bool HasItem { get; private set; }

    /// <summary>Replaces the held item.</summary>
    protected ValueTask Replace(T item, Ticket? ticket)
    {
        if (HasItem) _ = Skip(newestTicket);
        (newest, newestTicket, HasItem) = (item, ticket, true);
        return default;
    }

    /// <summary>Puts out the held item, if there is one.</summary>
    protected ValueTask ReleaseAsync()
    {
        if (!HasItem) return default;
        T item = newest;
        Ticket? ticket = newestTicket;
        (newest, newestTicket, HasItem) = (default!, null, false);
        return EmitAsync(item, ticket);
    }

    /// <summary>Puts out the held item; then holds the new one.</summary>
    protected ValueTask ReleaseAndHoldAsync(T item, Ticket? ticket)
    {
        ValueTask released = ReleaseAsync();
        return released.IsCompletedSuccessfully ? Replace(item, ticket) : HoldLaterAsync(released, item, ticket);
    }

    protected override ValueTask OnEndAsync() => ReleaseAsync();

    private async ValueTask HoldLaterAsync(ValueTask released, T item, Ticket? ticket)
    {
        await released;
        _ = Replace(item, ticket);
    }
}
