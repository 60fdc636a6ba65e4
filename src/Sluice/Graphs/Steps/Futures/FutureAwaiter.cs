using System.Diagnostics;

namespace Sluice.Graphs;

/// <summary>The awaiter of a <see cref="Future"/>, for the compiler. <see cref="Future.ConfigureAwait"/> returns it, too.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct FutureAwaiter : ICriticalNotifyCompletion
{
    private readonly Future future;
    private readonly bool staysInContext;

    internal FutureAwaiter(Future future, bool staysInContext = true) => (this.future, this.staysInContext) = (future, staysInContext);

    /// <summary>Whether the future has ended.</summary>
    public bool IsCompleted
    {
        get
        {
            CurrentCall.Await(future);
            return future.IsCompleted;
        }
    }

    /// <inheritdoc cref="Future.GetAwaiter"/>
    public FutureAwaiter GetAwaiter() => this;

    /// <summary>Throws the failure of the step, if it failed; blocks if it has not ended.</summary>
    /// <exception cref="InvalidOperationException">A step awaits its own future, or one that waits for it; the message names the path.
    /// Not detected if more than 2,000 futures wait for the step.</exception>
    [StackTraceHidden]
    public void GetResult()
    {
        if (!future.IsCompleted)
        {
            RefusedAwait.ThrowIfOf(future);
            CurrentCall.RefuseCircle(future);
            // Only the end: a task throws another exception than the future.
            future.AsTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
        }
        future.ThrowIfFailed();
    }

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => CurrentCall.GoOnAfter(future, continuation, staysInContext, flowsContext: true);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => CurrentCall.GoOnAfter(future, continuation, staysInContext, flowsContext: false);
}

/// <summary>The awaiter of a <see cref="Future{T}"/>, for the compiler. <see cref="Future{T}.ConfigureAwait"/> returns it, too.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct FutureAwaiter<T> : ICriticalNotifyCompletion
{
    private readonly Future<T> future;
    private readonly bool staysInContext;

    internal FutureAwaiter(Future<T> future, bool staysInContext = true) => (this.future, this.staysInContext) = (future, staysInContext);

    /// <inheritdoc cref="FutureAwaiter.IsCompleted"/>
    public bool IsCompleted => new FutureAwaiter(future).IsCompleted;

    /// <inheritdoc cref="Future.GetAwaiter"/>
    public FutureAwaiter<T> GetAwaiter() => this;

    /// <inheritdoc cref="FutureAwaiter.GetResult"/>
    /// <returns>The value.</returns>
    [StackTraceHidden]
    public T GetResult()
    {
        new FutureAwaiter(future).GetResult();
        return future.Value!;
    }

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => new FutureAwaiter(future, staysInContext).OnCompleted(continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => new FutureAwaiter(future, staysInContext).UnsafeOnCompleted(continuation);
}
