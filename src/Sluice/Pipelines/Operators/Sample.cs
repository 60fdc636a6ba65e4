using Sluice.Engine;

namespace Sluice;

public static partial class SourceExtensions
{
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

internal sealed class SampleOperator<T>(TimeSpan period) : Operator<T, T>
{
    public override string Kind => "sample";

    public override string Stateful => "remembers the newest item";

    public override string? StartsAnew => null;

    public override bool IsTimed => true;

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
