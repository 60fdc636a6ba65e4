using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>The end of what is outstanding in a <see cref="StepScope"/>, to be awaited: a task, but for steps that await it, whose places others have meanwhile. Converts to a task implicitly.</summary>
/// <remarks>Thread-safe; awaited any number of times.</remarks>
public readonly struct ScopeCompletion : ICriticalNotifyCompletion
{
    private readonly StepScope scope;
    private readonly Task task;
    private readonly bool leavesContext;

    internal ScopeCompletion(StepScope scope, Task task, bool leavesContext = false) => (this.scope, this.task, this.leavesContext) = (scope, task, leavesContext);

    /// <summary>Whether there is nothing to wait for.</summary>
    public bool IsCompleted => task.IsCompleted;

    /// <summary>
    /// The task: for code that needs one, and for all exceptions of a scope in which several steps have failed (<see cref="Task.Exception"/>). A step that has asked for it counts as waiting for it: its
    /// places go to others until the task has ended.
    /// </summary>
    public Task AsTask()
    {
        if (!task.IsCompleted && CurrentCall.Body is { Seat: { } seat } body && !ReferenceEquals(body.Call.Scope, scope)) seat.LendUntil(task);
        return task;
    }

    /// <inheritdoc cref="AsTask"/>
    public static implicit operator Task(ScopeCompletion completion) => completion.AsTask();

    /// <summary>Chooses how an await goes on, as with a task.</summary>
    /// <param name="continueOnCapturedContext">Whether in the synchronization context of whoever awaits.</param>
    /// <returns>What to await.</returns>
    public ScopeCompletion ConfigureAwait(bool continueOnCapturedContext) => new(scope, task, !continueOnCapturedContext);

    /// <summary>Lets it be awaited, as a task is.</summary>
    /// <returns>For the compiler.</returns>
    /// <exception cref="InvalidOperationException">It is awaited by a step that belongs to the scope, or that a step of the scope waits for: it would wait for itself.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public ScopeCompletion GetAwaiter()
    {
        if (!task.IsCompleted) scope.AwaitFrom(CurrentCall.Body, task);
        return this;
    }

    /// <summary>Throws the first of the failures that nobody has seen.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void GetResult() => task.GetAwaiter().GetResult();

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => CurrentCall.GoOnAfter(task, continuation, !leavesContext, flowsContext: true, leavesPlaces: true);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => CurrentCall.GoOnAfter(task, continuation, !leavesContext, flowsContext: false, leavesPlaces: true);
}
