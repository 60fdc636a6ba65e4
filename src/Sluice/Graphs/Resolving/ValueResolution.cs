using System.Threading.Tasks.Sources;

namespace Sluice.Graphs;

/// <inheritdoc/>
/// <remarks>When the caller takes the value, this object and its context can be used again.</remarks>
internal sealed class ValueResolution<TRequest, T>(GraphContext<TRequest> context, ContextPool<TRequest, T> pool)
    : Resolution(context), IValueTaskSource<T?>
{
    private const int Taken = -1;

    private ManualResetValueTaskSourceCore<T?> source;
    private int open = Taken;                        // the version whose value nobody has taken

    public ValueTask<T?> Task
    {
        get
        {
            open = (ushort)source.Version;
            return new(this, source.Version);
        }
    }

    public override void End(Exception? problem)
    {
        if (problem is null) source.SetResult(pool.ValueOf(context));
        else source.SetException(problem);
    }

    // A ValueTask may be awaited once, and not asked before its end. Who does so all the same must not harm other resolves: a context in
    // two of them would mix their values.
    T? IValueTaskSource<T?>.GetResult(short token)
    {
        if (Checked(token).GetStatus(token) == ValueTaskSourceStatus.Pending)
            throw new InvalidOperationException("The resolve has not ended: await it, or use AsTask() to wait in another way.");
        T? value = source.GetResult(token);
        if (Interlocked.CompareExchange(ref open, Taken, (ushort)token) != (ushort)token)
            throw WasTaken();
        source.Reset();
        pool.Return(context);
        return value;
    }

    ValueTaskSourceStatus IValueTaskSource<T?>.GetStatus(short token) => Checked(token).GetStatus(token);

    void IValueTaskSource<T?>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => Checked(token).OnCompleted(continuation, state, token, flags);

    private ref ManualResetValueTaskSourceCore<T?> Checked(short token)
    {
        if (token != source.Version) throw WasTaken();
        return ref source;
    }

    private static InvalidOperationException WasTaken() => new("The result was taken already: await it once.");
}
