namespace Sluice.Graphs;

/// <summary>
/// An argument of a step whose parameter is a nullable struct, such as <c>int?</c>: like <see cref="Arg{T}"/>, but futures and tasks of the
/// plain struct convert, too.
/// </summary>
/// <typeparam name="T">The struct.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct NullableArg<T> where T : struct
{
    private readonly Arg<T?> argument;

    private NullableArg(Arg<T?> argument) => this.argument = argument;

    /// <summary>The argument with the parameter's type.</summary>
    public Arg<T?> ToArg() => argument;

    /// <summary>Passes a plain value, or null.</summary>
    /// <param name="value">The value.</param>
    public static implicit operator NullableArg<T>(T? value) => new(value);

    /// <summary>Passes the value of a future; the step waits for it.</summary>
    /// <param name="future">The future; not null.</param>
    public static implicit operator NullableArg<T>(Future<T> future)
    {
        ArgumentNullException.ThrowIfNull(future);
        return new(future.As<T?>());
    }

    /// <inheritdoc cref="op_Implicit(Future{T})"/>
    public static implicit operator NullableArg<T>(Future<T?> future) => new(future);

    /// <summary>Passes the value of a task; the step waits for it.</summary>
    /// <param name="task">The task; not null.</param>
    public static implicit operator NullableArg<T>(Task<T> task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return new(new TaskFuture<T>(task).As<T?>());
    }

    /// <inheritdoc cref="op_Implicit(Task{T})"/>
    public static implicit operator NullableArg<T>(Task<T?> task) => new(task);

    /// <summary>Passes an argument that <see cref="Arg.Of"/> has made.</summary>
    /// <param name="argument">The argument.</param>
    public static implicit operator NullableArg<T>(Arg<T?> argument) => new(argument);
}
