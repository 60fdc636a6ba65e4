using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice.Producers;

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
