namespace Sluice;

/// <summary>An argument of a step: a value, or what will have one: a future, or a task. The conversions are implicit.</summary>
/// <typeparam name="T">The type of the step's parameter.</typeparam>
/// <remarks>
/// An interface cannot be converted implicitly: write <c>Arg.Of(list)</c>. A future of a derived type needs <see cref="Future{T}.As{TBase}"/>. Where <typeparamref name="T"/> is
/// <see cref="object"/>, a future or a task is waited for as well.
/// </remarks>
public readonly struct Arg<T>
{
    private readonly T? value;

    internal Arg(T? value) => this.value = value;

    internal Arg(Future source) => Source = source;

    /// <summary>What it is waited for; null for a plain value.</summary>
    internal Future? Source { get; }

    /// <summary>Valid when the source has ended well.</summary>
    internal T Value => Source switch
    {
        null => value!,
        Future<T> typed => typed.Use()!,
        { } other => (T)other.UseBoxed()!,
    };

    /// <summary>A plain value.</summary>
    /// <param name="value">Passed as it is; but where <typeparamref name="T"/> is <see cref="object"/>, a future or a task is waited for.</param>
    public static implicit operator Arg<T>(T value) => typeof(T) == typeof(object) && TaskResult.AsFuture(value) is { } future ? new(future) : new(value);

    /// <summary>The value of a future: the step starts when it is there.</summary>
    /// <param name="future">Not null.</param>
    public static implicit operator Arg<T>(Future<T> future)
        => new((Future)(future ?? throw new ArgumentNullException(nameof(future), "A future was to be passed to a step, and it is null. Call the step that makes it first.")));

    /// <summary>The value of a task: the step starts when it is there.</summary>
    /// <param name="task">Not null.</param>
    public static implicit operator Arg<T>(Task<T> task)
        => new((Future)new TaskFuture<T>(task ?? throw new ArgumentNullException(nameof(task), "A task was to be passed to a step, and it is null.")));

    /// <summary>The value of a task, which must not be awaited elsewhere.</summary>
    /// <param name="task">Any.</param>
    public static implicit operator Arg<T>(ValueTask<T> task) => task.IsCompletedSuccessfully ? new Arg<T>(task.Result) : task.AsTask();
}

/// <summary>Makes arguments where there is no implicit conversion.</summary>
public static class Arg
{
    /// <summary>A plain value; needed where its type is an interface.</summary>
    /// <param name="value">Passed as it is.</param>
    public static Arg<T> Of<T>(T value) => value;
}
