using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>A future to be awaited, and where the await goes on: what <see cref="Future.ConfigureAwait"/> returns.</summary>
public readonly struct ConfiguredFuture : ICriticalNotifyCompletion
{
    private readonly FutureAwaiter awaiter;
    private readonly Future future;
    private readonly bool staysInContext;

    internal ConfiguredFuture(Future future, bool staysInContext) => (awaiter, this.future, this.staysInContext) = (new(future), future, staysInContext);

    /// <inheritdoc cref="FutureAwaiter.IsCompleted"/>
    public bool IsCompleted => awaiter.IsCompleted;

    /// <inheritdoc cref="Future.GetAwaiter"/>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public ConfiguredFuture GetAwaiter() => this;

    /// <inheritdoc cref="FutureAwaiter.GetResult"/>
    public void GetResult() => awaiter.GetResult();

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => CurrentCall.GoOnAfter(future, continuation, staysInContext, flowsContext: true);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => CurrentCall.GoOnAfter(future, continuation, staysInContext, flowsContext: false);
}

/// <summary>A future to be awaited, and where the await goes on: what <see cref="Future{T}.ConfigureAwait"/> returns.</summary>
/// <typeparam name="T">The value.</typeparam>
public readonly struct ConfiguredFuture<T> : ICriticalNotifyCompletion
{
    private readonly FutureAwaiter<T> awaiter;
    private readonly ConfiguredFuture configured;

    internal ConfiguredFuture(Future<T> future, bool staysInContext) => (awaiter, configured) = (new(future), new(future, staysInContext));

    /// <inheritdoc cref="FutureAwaiter.IsCompleted"/>
    public bool IsCompleted => awaiter.IsCompleted;

    /// <inheritdoc cref="Future.GetAwaiter"/>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public ConfiguredFuture<T> GetAwaiter() => this;

    /// <inheritdoc cref="FutureAwaiter{T}.GetResult"/>
    public T GetResult() => awaiter.GetResult();

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => configured.OnCompleted(continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => configured.UnsafeOnCompleted(continuation);
}
