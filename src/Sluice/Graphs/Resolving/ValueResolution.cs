using System.Threading.Tasks.Sources;

namespace Sluice.Graphs;

/// <inheritdoc/>
/// <remarks>When the caller takes the value, this object and its context can be used again.</remarks>
internal sealed class ValueResolution<TRequest, T>(GraphContext<TRequest> context, ContextPool<TRequest, T> pool)
    : Resolution(context), IValueTaskSource<T?>
{
    private ManualResetValueTaskSourceCore<T?> source;
    private bool isTaken;

    public ValueTask<T?> Task
    {
        get
        {
            isTaken = false;
            return new(this, source.Version);
        }
    }

    public override void End(Exception? problem)
    {
        if (problem is null) source.SetResult(pool.ValueOf(context));
        else source.SetException(problem);
    }

    T? IValueTaskSource<T?>.GetResult(short token)
    {
        T? value = source.GetResult(token);
        // Two threads may ask at once, although a ValueTask may be awaited only once: a context in two resolves would mix their values.
        if (Interlocked.Exchange(ref isTaken, true)) throw new InvalidOperationException("The result was taken already: await it once.");
        source.Reset();
        pool.Return(context);
        return value;
    }

    ValueTaskSourceStatus IValueTaskSource<T?>.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource<T?>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => source.OnCompleted(continuation, state, token, flags);
}
