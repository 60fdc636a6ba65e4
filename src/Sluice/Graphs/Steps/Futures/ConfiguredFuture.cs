namespace Sluice.Graphs;

/// <summary>An awaitable for a future that says where the await continues; made by <see cref="Future.ConfigureAwait"/>.</summary>
public readonly struct ConfiguredFuture : ICriticalNotifyCompletion
{
    private readonly FutureAwaiter awaiter;
    private readonly Future future;
    private readonly bool staysInContext;

    internal ConfiguredFuture(Future future, bool staysInContext)
        => (awaiter, this.future, this.staysInContext) = (new(future), future, staysInContext);

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

/// <summary>An awaitable for a future that says where the await continues; made by <see cref="Future{T}.ConfigureAwait"/>.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
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
