namespace Sluice.Graphs;

/// <summary>An argument of a step: a value, a future or a task. All of them convert implicitly.</summary>
/// <typeparam name="T">The type of the step's parameter.</typeparam>
/// <remarks>
/// Interfaces have no implicit conversions: write <c>Arg.Of(list)</c>. A future of a derived type needs <see cref="Future{T}.As{TBase}"/>.
/// If <typeparamref name="T"/> is <see cref="object"/>, the step waits for futures and tasks as well.
/// </remarks>
public readonly struct Arg<T>
{
    private readonly T? value;

    internal Arg(T? value) => this.value = value;

    internal Arg(Future source) => Source = source;

    /// <summary>The future that the argument comes from; null for a plain value.</summary>
    internal Future? Source { get; }

    /// <summary>The value; valid once the source has succeeded.</summary>
    internal T Value => Source switch
    {
        null => value!,
        Future<T> typed => typed.Use()!,
        { } other => (T)other.UseBoxed()!,
    };

    /// <summary>Passes a plain value.</summary>
    /// <param name="value">The value. If <typeparamref name="T"/> is <see cref="object"/>, the step waits for a future or a task.</param>
    public static implicit operator Arg<T>(T value)
        => typeof(T) == typeof(object) && TaskResult.AsFuture(value) is { } future ? new(future) : new(value);

    /// <summary>Passes the value of a future; the step waits for it.</summary>
    /// <param name="future">The future; not null.</param>
    public static implicit operator Arg<T>(Future<T> future)
        => new((Future)(future ?? throw new ArgumentNullException(nameof(future),
        "A future was to be passed to a step, and it is null. Call the step that makes it first.")));

    /// <summary>Passes the value of a task; the step waits for it.</summary>
    /// <param name="task">The task; not null.</param>
    public static implicit operator Arg<T>(Task<T> task)
        => new((Future)new TaskFuture<T>(task ?? throw new ArgumentNullException(nameof(task),
        "A task was to be passed to a step, and it is null.")));

    /// <summary>Passes the value of a task, which must not be awaited elsewhere.</summary>
    /// <param name="task">The task.</param>
    public static implicit operator Arg<T>(ValueTask<T> task) => task.IsCompletedSuccessfully ? new Arg<T>(task.Result) : task.AsTask();
}

/// <summary>Makes arguments of types without implicit conversions.</summary>
public static class Arg
{
    /// <summary>Passes a plain value; needed if its type is an interface.</summary>
    /// <param name="value">The value.</param>
    public static Arg<T> Of<T>(T value) => value;
}
