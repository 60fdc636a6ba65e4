using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice.Producers;

internal sealed class EverySource<T>(TimeSpan wait, TimeSpan jitter, Func<CancellationToken, ValueTask<T>> item, StageOptions options)
    : LeafSource<T>(options)
{
    private protected override string Kind => "every";

    private protected override Source<T> With(StageOptions annotated) => new EverySource<T>(wait, jitter, item, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next)
        => new EveryPump<T>(context, next, wait, jitter, item);
}

internal sealed class EveryPump<T>(StageContext context, Inlet<T> next, TimeSpan wait, TimeSpan jitter,
    Func<CancellationToken, ValueTask<T>> item)
    : TimedPump<T>(context, next)
{
    private long since;
    private TimeSpan due;

    protected override TimeSpan UntilDue => due - Time.GetElapsedTime(since);

    protected override bool MoveNext()
    {
        (since, due) = (Time.GetTimestamp(), wait + Jittered(jitter));
        return true;
    }

    protected override ValueTask<T> MakeAsync(CancellationToken cancellation) => item(cancellation);
}
