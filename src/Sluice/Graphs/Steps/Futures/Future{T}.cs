namespace Sluice.Graphs;

/// <summary>The value of a step's call, now or later. Await it, pass it to other steps in place of the value, or drop it.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
/// <remarks><inheritdoc cref="Future" path="/remarks/para"/></remarks>
public abstract class Future<T> : Future
{
    private FutureTask<T>? task;

    private protected Future()
    {
    }

    /// <summary>The value; valid after a success.</summary>
    internal T? Value { get; private protected set; }

    /// <summary>The value, for a consumer, which thereby observes it.</summary>
    internal T? Use()
    {
        See();
        return Value;
    }

    internal override object? Boxed => Value;

    /// <summary>Passes the outcome of the future to a step that takes a <see cref="Settled{T}"/>.</summary>
    /// <param name="future">The future; not null.</param>
    public static implicit operator Arg<Settled<T>>(Future<T> future)
    {
        ArgumentNullException.ThrowIfNull(future);
        return future.Settled();
    }

    /// <summary>Converts a task to a future, for example as an element of a list or dictionary of futures.</summary>
    /// <param name="task">The task; not null.</param>
    public static implicit operator Future<T>(Task<T> task)
        => new TaskFuture<T>(task ?? throw new ArgumentNullException(nameof(task), "A task was to be passed to a step, and it is null."));

    /// <summary>Converts a task, which must not be awaited elsewhere, to a future.</summary>
    /// <param name="task">The task.</param>
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
    public new FutureAwaiter<T> ConfigureAwait(bool continueOnCapturedContext) => new(this, continueOnCapturedContext);

    /// <summary>Converts the future to one of a base type or interface of its value.</summary>
    /// <typeparam name="TBase">A type that the value can be assigned to.</typeparam>
    /// <returns>A future that ends when this one does. Cancelling it does not cancel this one.</returns>
    /// <exception cref="ArgumentException"><typeparamref name="T"/> cannot be assigned to <typeparamref name="TBase"/>.</exception>
    public Future<TBase> As<TBase>()
    {
        if (this is Future<TBase> same) return same;
        if (!typeof(T).IsAssignableTo(typeof(TBase)))
            throw new ArgumentException(
                $"A future of {TypeNames.Of(typeof(T))} is none of {TypeNames.Of(typeof(TBase))}: the one cannot be assigned to the "
                    + $"other. Write a step that converts it.");
        return new CastFuture<T, TBase>(this);
    }

    /// <summary>Makes a future of this future's outcome. It succeeds even if this one fails.</summary>
    /// <returns>A future that ends when this one does. Awaiting it, or a step that runs with it, observes the failure; a step that never
    /// runs does not.</returns>
    public Future<Settled<T>> Settled() => new SettledFuture<T>(this);

    /// <summary>The name and the state.</summary>
    public override string ToString() => $"{Name}: {Status.ToString().ToLowerInvariant()}";

    private protected override Task AsPlainTask() => AsTask();
}
