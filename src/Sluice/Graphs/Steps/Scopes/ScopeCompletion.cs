namespace Sluice.Graphs;

/// <summary>
/// An awaitable for the end of all calls of a <see cref="StepScope"/>. A step that awaits it lends its concurrency permits.
/// Converts to a task implicitly.
/// </summary>
/// <remarks>Thread-safe; may be awaited any number of times.</remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct ScopeCompletion : ICriticalNotifyCompletion
{
    private readonly StepScope scope;
    private readonly Task task;
    private readonly bool leavesContext;

    internal ScopeCompletion(StepScope scope, Task task, bool leavesContext = false)
        => (this.scope, this.task, this.leavesContext) = (scope, task, leavesContext);

    /// <summary>Whether all calls have ended.</summary>
    public bool IsCompleted => task.IsCompleted;

    /// <summary>The end as a task; its <see cref="Task.Exception"/> has all unobserved failures.</summary>
    /// <remarks>A step that calls this lends its concurrency permits until the task has ended.</remarks>
    public Task AsTask()
    {
        if (!task.IsCompleted && CurrentCall.Body is { Permit: { } permit } body && !ReferenceEquals(body.Call.Scope, scope))
            permit.LendUntil(task);
        return task;
    }

    /// <inheritdoc cref="AsTask"/>
    public static implicit operator Task(ScopeCompletion completion) => completion.AsTask();

    /// <summary>Configures where an await continues, as for a task.</summary>
    /// <param name="continueOnCapturedContext">Whether to continue in the awaiter's synchronization context.</param>
    /// <returns>An awaitable.</returns>
    public ScopeCompletion ConfigureAwait(bool continueOnCapturedContext) => new(scope, task, !continueOnCapturedContext);

    /// <summary>Makes it awaitable, as a task is.</summary>
    /// <returns>The awaiter, for the compiler.</returns>
    /// <exception cref="InvalidOperationException">The awaiting step belongs to the scope, or a step of the scope waits for it: it would
    /// wait for itself.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public ScopeCompletion GetAwaiter()
    {
        if (!task.IsCompleted) scope.AwaitFrom(CurrentCall.Body, task);
        return this;
    }

    /// <summary>Throws the first unobserved failure.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void GetResult() => task.GetAwaiter().GetResult();

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => CurrentCall.GoOnAfter(task, continuation, !leavesContext, flowsContext: true,
        leavesPlaces: true);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation)
        => CurrentCall.GoOnAfter(task, continuation, !leavesContext, flowsContext: false, leavesPlaces: true);
}
