namespace Sluice;

/// <summary>An argument of a step whose parameter is <c>int?</c> or the like: as <see cref="Arg{T}"/>, but a future or a task of the value itself fits too. The conversions are implicit.</summary>
/// <typeparam name="T">What may be null.</typeparam>
public readonly struct NullableArg<T> where T : struct
{
    private readonly Arg<T?> argument;

    private NullableArg(Arg<T?> argument) => this.argument = argument;

    /// <summary>The argument as the function takes it.</summary>
    public Arg<T?> ToArg() => argument;

    /// <summary>A plain value, or null.</summary>
    /// <param name="value">Passed as it is.</param>
    public static implicit operator NullableArg<T>(T? value) => new(value);

    /// <summary>The value of a future: the step starts when it is there.</summary>
    /// <param name="future">Not null.</param>
    public static implicit operator NullableArg<T>(Future<T> future)
    {
        ArgumentNullException.ThrowIfNull(future);
        return new(future.As<T?>());
    }

    /// <inheritdoc cref="op_Implicit(Future{T})"/>
    public static implicit operator NullableArg<T>(Future<T?> future) => new(future);

    /// <summary>The value of a task: the step starts when it is there.</summary>
    /// <param name="task">Not null.</param>
    public static implicit operator NullableArg<T>(Task<T> task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return new(new TaskFuture<T>(task).As<T?>());
    }

    /// <inheritdoc cref="op_Implicit(Task{T})"/>
    public static implicit operator NullableArg<T>(Task<T?> task) => new(task);

    /// <summary>What <see cref="Arg.Of"/> has made.</summary>
    /// <param name="argument">Any.</param>
    public static implicit operator NullableArg<T>(Arg<T?> argument) => new(argument);
}
