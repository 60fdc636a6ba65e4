using System.ComponentModel;

namespace Sluice;

/// <summary>The value that a call of a step will have: awaited, passed to any number of other steps in the place of the value, or dropped.</summary>
/// <typeparam name="T">The value.</typeparam>
/// <remarks><inheritdoc cref="Future" path="/remarks/para"/></remarks>
public abstract class Future<T> : Future
{
    private FutureTask<T>? task;

    private protected Future()
    {
    }

    /// <summary>Valid once it has ended without a failure.</summary>
    internal T? Value { get; private protected set; }

    /// <summary>The value, for somebody who uses it.</summary>
    internal T? Use()
    {
        See();
        return Value;
    }

    internal override object? Boxed => Value;

    /// <summary>A future is what a step that takes the outcome, instead of the value, may be given.</summary>
    /// <param name="future">Not null.</param>
    public static implicit operator Arg<Settled<T>>(Future<T> future)
    {
        ArgumentNullException.ThrowIfNull(future);
        return future.Settled();
    }

    /// <summary>The value of a task, where a future is expected: among others, in a dictionary, or in a list.</summary>
    /// <param name="task">Not null.</param>
    public static implicit operator Future<T>(Task<T> task)
        => new TaskFuture<T>(task ?? throw new ArgumentNullException(nameof(task), "A task was to be passed to a step, and it is null."));

    /// <summary>The value of a task, which must not be awaited elsewhere.</summary>
    /// <param name="task">Any.</param>
    public static implicit operator Future<T>(ValueTask<T> task) => new TaskFuture<T>(task.AsTask());

    /// <inheritdoc cref="Future.AsTask"/>
    public new Task<T> AsTask()
    {
        MarkAwaited();
        if (!IsCompleted) CurrentCall.Lend(this);
        if (Volatile.Read(ref task) is { } known) return known.Task;
        var made = new FutureTask<T>();
        if (Interlocked.CompareExchange(ref task, made, null) is { } other) return other.Task;
        if (!TryAttach(made)) made.End(this);
        return made.Task;
    }

    /// <inheritdoc cref="Future.GetAwaiter"/>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public new FutureAwaiter<T> GetAwaiter() => new(this);

    /// <inheritdoc cref="Future.ConfigureAwait"/>
    public new ConfiguredFuture<T> ConfigureAwait(bool continueOnCapturedContext) => new(this, continueOnCapturedContext);

    /// <summary>The same future, seen as one of a base type or an interface of its value.</summary>
    /// <typeparam name="TBase">A type that the value can be assigned to.</typeparam>
    /// <returns>A future that ends when this one does. Cancelling it leaves this one alone.</returns>
    /// <exception cref="ArgumentException"><typeparamref name="T"/> can never be a <typeparamref name="TBase"/>.</exception>
    public Future<TBase> As<TBase>()
    {
        if (this is Future<TBase> same) return same;
        if (!typeof(T).IsAssignableTo(typeof(TBase)))
            throw new ArgumentException($"A future of {TypeNames.Of(typeof(T))} is none of {TypeNames.Of(typeof(TBase))}: the one cannot be assigned to the other. Write a step that converts it.");
        return new CastFuture<T, TBase>(this);
    }

    /// <summary>How this future ends, as a value: a future that does not fail, but says whether this one did.</summary>
    /// <returns>A future that ends when this one does. Whoever awaits it, or is a step that runs with it, has seen the failure; a step that is given it and never runs has not.</returns>
    public Future<Settled<T>> Settled() => new SettledFuture<T>(this);

    /// <summary>The name and the status.</summary>
    public override string ToString() => $"{Name}: {Status.ToString().ToLowerInvariant()}";

    private protected override Task AsPlainTask() => AsTask();
}
