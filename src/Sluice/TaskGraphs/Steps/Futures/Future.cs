using System.ComponentModel;

namespace Sluice;

/// <summary>
/// The end of a call of a step, now or later: awaited, passed to other steps, or dropped; the step runs in any case. A future with a value is a <see cref="Future{T}"/>.
/// </summary>
/// <remarks>
/// <para>Any thread may use it. A step runs once, however many await its future or depend on it. Whoever awaits goes on where a <see cref="Task"/> would let him go on, never inside
/// the step.</para>
/// <para>A failure that nobody awaits is reported: by <see cref="StepScope.Completion"/> of the scope that the call was made in, outside of scopes by
/// <see cref="TaskScheduler.UnobservedTaskException"/>.</para>
/// </remarks>
public abstract partial class Future
{
    private volatile bool isAwaited;

    private protected Future()
    {
    }

    /// <summary>What it is the end of: the name of the step.</summary>
    public abstract string Name { get; }

    /// <summary>Whether it has ended, well or not.</summary>
    public bool IsCompleted => ReferenceEquals(Volatile.Read(ref dependents), Over);

    /// <summary>How far it is.</summary>
    public virtual FutureStatus Status
        => !IsCompleted ? FutureStatus.Waiting : Failure switch { null => FutureStatus.Succeeded, { IsCancellation: true } => FutureStatus.Cancelled, _ => FutureStatus.Failed };

    /// <summary>Why it has ended without a value; null as long as it has not. Whoever reads it has seen the failure.</summary>
    public Exception? Exception
    {
        get
        {
            if (!IsCompleted || Failure is not { } failure) return null;
            failure.Observe();
            return failure.Exception;
        }
    }

    /// <summary>Written by whoever ends it, before it is told to anybody; valid once <see cref="IsCompleted"/>.</summary>
    internal Failure? Failure { get; private protected set; }

    /// <summary>Written like <see cref="Failure"/>.</summary>
    internal abstract object? Boxed { get; }

    /// <summary>It was cancelled while its step was running: those who come now need not wait for the end.</summary>
    internal virtual Failure? Cancelling => null;

    /// <summary>Whether it may wait for other futures; if so, a search follows.</summary>
    internal virtual bool MayWait => true;

    /// <summary>
    /// Cancels it, and what depends on it, as far as these have not started: their steps never run. A step that is running is told by its token, and decides itself how it ends. What it
    /// depends on is left alone, as others may need it.
    /// </summary>
    /// <exception cref="AggregateException">Something that was registered with the token of a running step has thrown; everything has been cancelled nevertheless.</exception>
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

    /// <summary>
    /// The future as a task: for code that needs one. A step that has asked for the task counts as waiting for it: its places go to others until the future has ended, and are taken again as soon as
    /// they are free, which may be a moment after the step has gone on. Awaiting the future itself is exact.
    /// </summary>
    /// <returns>The same task each time.</returns>
    public Task AsTask() => AsPlainTask();

    /// <summary>The value, for somebody who uses it.</summary>
    internal object? UseBoxed()
    {
        See();
        return Boxed;
    }

    /// <summary>Chooses how an await goes on, as with a task.</summary>
    /// <param name="continueOnCapturedContext">Whether in the synchronization context of whoever awaits.</param>
    /// <returns>What to await.</returns>
    public ConfiguredFuture ConfigureAwait(bool continueOnCapturedContext) => new(this, continueOnCapturedContext);

    /// <summary>Lets it be awaited, as a task is.</summary>
    /// <returns>For the compiler.</returns>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public FutureAwaiter GetAwaiter() => new(this);

    internal abstract void TryCancel(Failure cancellation, ref ReadyList released);

    private protected abstract Task AsPlainTask();

    /// <summary>What leads to it in the picture: its own record where it is a call, <see cref="Sluice.Origins"/> where it joins several, null where nothing is recorded.</summary>
    internal abstract object? Origins { get; }

    /// <summary>Somebody waits for it, and will see how it ends.</summary>
    internal void MarkAwaited()
    {
        isAwaited = true;
        Interlocked.MemoryBarrier();
        if (IsCompleted) See();
    }

    /// <summary>Whether failures may be among its values: whoever takes these has seen them.</summary>
    internal virtual bool HoldsOutcomes => false;

    /// <summary>It has ended, and somebody has got what came out.</summary>
    internal virtual void See() => Failure?.Observe();

    internal void ThrowIfFailed()
    {
        See();
        Failure?.Throw();
    }
}
