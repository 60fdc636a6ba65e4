using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>What the compiler needs to await a <see cref="Future"/>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct FutureAwaiter : ICriticalNotifyCompletion
{
    private readonly Future future;

    internal FutureAwaiter(Future future) => this.future = future;

    /// <summary>Whether there is nothing to wait for.</summary>
    public bool IsCompleted
    {
        get
        {
            CurrentCall.Await(future);
            return future.IsCompleted;
        }
    }

    /// <summary>Throws what the step has thrown, if it failed; waits if it has not ended.</summary>
    public void GetResult()
    {
        if (!future.IsCompleted) future.AsTask().GetAwaiter().GetResult();
        future.ThrowIfFailed();
    }

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => CurrentCall.WaitAsync(future).GetAwaiter().OnCompleted(continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => CurrentCall.WaitAsync(future).GetAwaiter().UnsafeOnCompleted(continuation);
}

/// <summary>What the compiler needs to await a <see cref="Future{T}"/>.</summary>
/// <typeparam name="T">The value.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct FutureAwaiter<T> : ICriticalNotifyCompletion
{
    private readonly Future<T> future;

    internal FutureAwaiter(Future<T> future) => this.future = future;

    /// <inheritdoc cref="FutureAwaiter.IsCompleted"/>
    public bool IsCompleted
    {
        get
        {
            CurrentCall.Await(future);
            return future.IsCompleted;
        }
    }

    /// <inheritdoc cref="FutureAwaiter.GetResult"/>
    /// <returns>The value.</returns>
    public T GetResult()
    {
        if (!future.IsCompleted) return future.AsTask().GetAwaiter().GetResult();
        future.ThrowIfFailed();
        return future.Value!;
    }

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => CurrentCall.WaitAsync(future).GetAwaiter().OnCompleted(continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => CurrentCall.WaitAsync(future).GetAwaiter().UnsafeOnCompleted(continuation);
}
