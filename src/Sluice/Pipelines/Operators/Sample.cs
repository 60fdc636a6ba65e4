namespace Sluice;

public static partial class Operators
{
    /// <summary>Lets out the newest item of each period, at its end; the others are skipped. Nothing comes out where nothing came.</summary>
    /// <remarks>
    /// <para>Periods follow one another from the start of the run; an item that comes at the very end of one belongs to the next.</para>
    /// <para>Holds one item. The newest of the period in which the input ends comes out at once, and so in a drain; a run that is
    /// cancelled gives it up. While what follows is busy with an item, items wait for it and are not skipped. The clock is the run's
    /// (<see cref="RunOptions.Time"/>); when it jumps over several periods, one item comes out.</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">What comes.</param>
    /// <param name="period">How long a period is: more than zero, at most 36,500 days.</param>
    /// <returns>At most one item per period.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The period is out of range.</exception>
    public static Source<T> Sample<T>(this Source<T> source, TimeSpan period) => NotNull(source).Then(new SampleOperator<T>(Positive(period)));

    /// <inheritdoc cref="Sample{T}(Source{T}, TimeSpan)"/>
    /// <typeparam name="TIn">The type of what goes into the pipe.</typeparam>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="pipe">What comes.</param>
    /// <param name="period">How long a period is: more than zero, at most 36,500 days.</param>
    public static Pipe<TIn, T> Sample<TIn, T>(this Pipe<TIn, T> pipe, TimeSpan period) => NotNull(pipe).Then(source => source.Sample(period));
}

internal sealed class SampleOperator<T>(TimeSpan period) : Operator<T, T>
{
    public override string Kind => "sample";

    public override string Stateful => "remembers the newest item";

    public override string? StartsAnew => null;

    public override bool IsTimed => true;

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new SampleStage<T>(context, next, period);
}

/// <summary>The timer is set only while an item is held.</summary>
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
