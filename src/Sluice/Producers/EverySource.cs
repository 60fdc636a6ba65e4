using Sluice.Engine;
using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    /// <summary>A source that calls a function again and again, with a wait before every call. It never ends by itself.</summary>
    /// <param name="wait">The wait before the first call, and from emitting an item to the next call: zero or more.</param>
    /// <param name="jitter">Every wait is longer by a random time up to this; none if null.</param>
    /// <param name="item">Makes an item. If it throws, the source fails.</param>
    /// <exception cref="ArgumentOutOfRangeException">A time is negative.</exception>
    public static Source<T> Every<T>(TimeSpan wait, TimeSpan? jitter, Func<T> item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return Every(wait, jitter, _ => new ValueTask<T>(item()));
    }

    /// <inheritdoc cref="Every{T}(TimeSpan, TimeSpan?, Func{T})"/>
    public static Source<T> Every<T>(TimeSpan wait, TimeSpan? jitter, Func<CancellationToken, ValueTask<T>> item)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(wait, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(jitter ?? TimeSpan.Zero, TimeSpan.Zero, nameof(jitter));
        ArgumentNullException.ThrowIfNull(item);
        return new EverySource<T>(wait, jitter ?? TimeSpan.Zero, item, StageOptions.Default);
    }
}

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
