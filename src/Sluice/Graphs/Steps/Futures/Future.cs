using System.Diagnostics;

namespace Sluice.Graphs;

/// <summary>
/// The outcome of a step's call, now or later. Await it, pass it to other steps, or drop it; the step runs in any case. With a value, it is
/// a <see cref="Future{T}"/>.
/// </summary>
/// <remarks>
/// <para>Thread-safe. A step runs once, however many await its future or depend on it. An await continues where that of a
/// <see cref="Task"/> would, never inside of the step.</para>
/// <para>A failure that is not awaited is reported: by <see cref="StepScope.Completion"/> of the call's scope, outside of scopes by
/// <see cref="TaskScheduler.UnobservedTaskException"/>.</para>
/// </remarks>
public abstract partial class Future
{
    private protected Future()
    {
    }

    /// <summary>The name of the step.</summary>
    public abstract string Name { get; }

    /// <summary>Whether it has ended, successfully or not.</summary>
    public bool IsCompleted => ReferenceEquals(Volatile.Read(ref dependents), Over);

    /// <summary>The state of the future.</summary>
    public virtual FutureStatus Status
        => !IsCompleted ? FutureStatus.Waiting : Failure switch
        {
            null => FutureStatus.Succeeded, { IsCancellation: true }
        => FutureStatus.Cancelled,
            _ => FutureStatus.Failed
        };

    /// <summary>The failure; null before the end and after a success. Reading it observes the failure.</summary>
    public Exception? Exception
    {
        get
        {
            if (!IsCompleted || Failure is not { } failure) return null;
            failure.Observe();
            return failure.Exception;
        }
    }

    /// <summary>The failure, written before dependents are told; valid once <see cref="IsCompleted"/>.</summary>
    internal Failure? Failure { get; private protected set; }

    /// <summary>The value as an object; written like <see cref="Failure"/>.</summary>
    internal abstract object? Boxed { get; }

    /// <summary>The cancellation of a running step; new dependents need not wait for its end. Null if there is none.</summary>
    internal virtual Failure? Cancelling => null;

    /// <summary>Whether it may wait for other futures, so that a search for circles is needed.</summary>
    internal virtual bool MayWait => true;

    /// <summary>
    /// Cancels the step and the steps that depend on it. Those that have not started never run; a running one is told by its token, and
    /// decides how it ends.
    /// </summary>
    /// <remarks>The step's own dependencies go on, because others may need them.</remarks>
    /// <exception cref="AggregateException">A callback registered with the token of a running step has thrown; everything was cancelled
    /// nevertheless.</exception>
    public void Cancel()
    {
        var released = new ReadyList(here: null);
        try
        {
            TryCancel(Failure.Cancelled(Name, new CancellationToken(canceled: true)), ref released);
        }
        finally
        {
            released.Spread();
        }
    }

    /// <summary>Converts the future to a task.</summary>
    /// <remarks>
    /// A step that calls this lends its concurrency permits until the future has ended. It takes them back when they are free, which may
    /// be a moment after it continues. Awaiting the future itself is exact.
    /// </remarks>
    /// <returns>The task; the same one each time.</returns>
    public Task AsTask() => AsPlainTask();

    /// <summary>The value, for a consumer, which thereby observes it.</summary>
    internal object? UseBoxed()
    {
        See();
        return Boxed;
    }

    /// <summary>Configures where an await continues, as for a task.</summary>
    /// <param name="continueOnCapturedContext">Whether to continue in the awaiter's synchronization context.</param>
    /// <returns>An awaitable.</returns>
    public FutureAwaiter ConfigureAwait(bool continueOnCapturedContext) => new(this, continueOnCapturedContext);

    /// <summary>Makes it awaitable, as a task is.</summary>
    /// <returns>The awaiter, for the compiler.</returns>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public FutureAwaiter GetAwaiter() => new(this);

    internal abstract void TryCancel(Failure cancellation, ref ReadyList released);

    private protected abstract Task AsPlainTask();

    /// <summary>
    /// Its origin in a drawing: the record of a call, <see cref="Sluice.Graphs.Origins"/> of a join, or null if nothing is recorded.
    /// </summary>
    internal abstract object? Origins { get; }

    [StackTraceHidden]
    internal void ThrowIfFailed()
    {
        See();
        Failure?.Throw();
    }
}
