namespace Sluice.Graphs;

/// <summary>The awaiter of a <see cref="Future"/>, for the compiler.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct FutureAwaiter : ICriticalNotifyCompletion
{
    private readonly Future future;

    internal FutureAwaiter(Future future) => this.future = future;

    /// <summary>Whether the future has ended.</summary>
    public bool IsCompleted
    {
        get
        {
            CurrentCall.Await(future);
            return future.IsCompleted;
        }
    }

    /// <summary>Throws the failure of the step, if it failed; blocks if it has not ended.</summary>
    /// <exception cref="InvalidOperationException">A step awaits its own future, or one that waits for it; the message names the path.
    /// Detected if the scope records calls, or there is a limit.</exception>
    public void GetResult()
    {
        if (!future.IsCompleted)
        {
            RefusedAwait.ThrowIfOf(future);
            CurrentCall.RefuseCircle(future);
            future.AsTask().GetAwaiter().GetResult();
        }
        future.ThrowIfFailed();
    }

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => CurrentCall.GoOnAfter(future, continuation, staysInContext: true, flowsContext: true);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation)
        => CurrentCall.GoOnAfter(future, continuation, staysInContext: true, flowsContext: false);
}

/// <summary>The awaiter of a <see cref="Future{T}"/>, for the compiler.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct FutureAwaiter<T> : ICriticalNotifyCompletion
{
    private readonly Future<T> future;

    internal FutureAwaiter(Future<T> future) => this.future = future;

    /// <inheritdoc cref="FutureAwaiter.IsCompleted"/>
    public bool IsCompleted => new FutureAwaiter(future).IsCompleted;

    /// <inheritdoc cref="FutureAwaiter.GetResult"/>
    /// <returns>The value.</returns>
    public T GetResult()
    {
        new FutureAwaiter(future).GetResult();
        return future.Value!;
    }

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => new FutureAwaiter(future).OnCompleted(continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => new FutureAwaiter(future).UnsafeOnCompleted(continuation);
}
