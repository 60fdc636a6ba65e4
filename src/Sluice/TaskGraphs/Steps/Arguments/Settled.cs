namespace Sluice;

/// <summary>How a future has ended, as a value: its value, or why there is none. A step that takes it runs in any case, and deals with the failure itself.</summary>
/// <typeparam name="T">The value.</typeparam>
public readonly record struct Settled<T>
{
    private readonly T? value;
    private readonly FutureOutcome? outcome;               // null: nothing has ended

    internal Settled(T? value, Failure? failure) => (this.value, outcome) = (value, failure ?? FutureOutcome.Success);

    /// <summary>Whether there is a value. False for <c>default</c>, which is the end of nothing.</summary>
    public bool Succeeded => ReferenceEquals(outcome, FutureOutcome.Success);

    /// <summary>Whether it was cancelled.</summary>
    public bool IsCancelled => outcome is Failure { IsCancellation: true };

    /// <summary>Why there is no value; null where there is one.</summary>
    public Exception? Exception => outcome switch { Failure failure => failure.Exception, null => Nothing(), _ => null };

    /// <summary>The value.</summary>
    /// <exception cref="System.Exception">Where there is none: what the step has thrown.</exception>
    public T Value
    {
        get
        {
            if (outcome is null) throw Nothing();
            (outcome as Failure)?.Throw();
            return value!;
        }
    }

    /// <summary>The value, or another in its place.</summary>
    /// <param name="other">What to take where there is none.</param>
    public T ValueOr(T other) => Succeeded ? value! : other;

    /// <summary>The value, or the type and the message of the exception.</summary>
    public override string ToString() => Succeeded ? $"{value}" : $"{Exception!.GetType().Name}: {Exception.Message}";

    private static InvalidOperationException Nothing() => new("Nothing has ended here: this is default(Settled<T>). Take it from future.Settled(), or make it by Settled.Of.");
}

/// <summary>Makes outcomes, for tests of what takes them.</summary>
public static class Settled
{
    /// <summary>The outcome of a step that has succeeded.</summary>
    /// <param name="value">Its value.</param>
    public static Settled<T> Of<T>(T value) => new(value, null);

    /// <summary>The outcome of a step that has failed, or was cancelled.</summary>
    /// <typeparam name="T">The value that it does not have.</typeparam>
    /// <param name="exception">Why; an <see cref="OperationCanceledException"/> is a cancellation.</param>
    public static Settled<T> Failed<T>(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return new(default, new Failure("a step", exception, exception is OperationCanceledException));
    }
}
