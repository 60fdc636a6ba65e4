using Sluice.Engine;
using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    /// <summary>A source of tick numbers, from 0, one per period; the first tick comes after one period. It never ends by itself.</summary>
    /// <remarks>Ticks do not drift and do not pile up: a tick that passes while the pipeline is busy is skipped, with its number.</remarks>
    /// <param name="period">The time from one tick to the next: more than zero.</param>
    /// <param name="jitter">Every tick is later by a random time up to this; none unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">The period is not more than zero, or the jitter is negative.</exception>
    public static Source<long> Interval(TimeSpan period, TimeSpan? jitter = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(jitter ?? TimeSpan.Zero, TimeSpan.Zero, nameof(jitter));
        return new IntervalSource(period, jitter ?? TimeSpan.Zero, StageOptions.Default);
    }
}

internal sealed class IntervalSource(TimeSpan period, TimeSpan jitter, StageOptions options) : LeafSource<long>(options)
{
    private protected override string Kind => "interval";

    private protected override Source<long> With(StageOptions annotated) => new IntervalSource(period, jitter, annotated);

    private protected override SourcePump<long> Pump(StageContext context, Inlet<long> next)
        => new IntervalPump(context, next, period, jitter);
}

internal sealed class IntervalPump(StageContext context, Inlet<long> next, TimeSpan period, TimeSpan jitter)
    : TimedPump<long>(context, next)
{
    private long start = -1;
    private long tick = -1;
    private TimeSpan due;

    protected override TimeSpan UntilDue => due - Time.GetElapsedTime(start);

    protected override bool MoveNext()
    {
        if (start < 0) start = Time.GetTimestamp();
        long passed = (Time.GetElapsedTime(start).Ticks - 1) / period.Ticks;     // whole periods before now
        tick = Math.Max(tick + 1, passed);
        due = TimeSpan.FromTicks(checked((tick + 1) * period.Ticks)) + Jittered(jitter);
        return true;
    }

    protected override ValueTask<long> MakeAsync(CancellationToken cancellation) => new(tick);
}
