namespace Sluice.Graphs;

/// <summary>
/// The outcome of a future as a value: its value, or its failure. A step with such a parameter runs in both cases, and handles the failure
/// itself.
/// </summary>
/// <typeparam name="T">The type of the value.</typeparam>
public readonly record struct Settled<T>
{
    private readonly T? value;
    private readonly FutureOutcome? outcome;               // null: default(Settled<T>)

    internal Settled(T? value, Failure? failure) => (this.value, outcome) = (value, failure ?? FutureOutcome.Success);

    /// <summary>Whether there is a value. False for <c>default</c>, which is no outcome.</summary>
    public bool Succeeded => ReferenceEquals(outcome, FutureOutcome.Success);

    /// <summary>Whether the future was cancelled.</summary>
    public bool IsCancelled => outcome is Failure { IsCancellation: true };

    /// <summary>The failure; null if there is a value.</summary>
    public Exception? Exception => outcome switch { Failure failure => failure.Exception, null => Nothing(), _ => null };

    /// <summary>The value.</summary>
    /// <exception cref="System.Exception">The failure, if there is no value.</exception>
    public T Value
    {
        get
        {
            if (outcome is null) throw Nothing();
            (outcome as Failure)?.Throw();
            return value!;
        }
    }

    /// <summary>The value, or a replacement.</summary>
    /// <param name="other">The replacement if there is no value.</param>
    public T ValueOr(T other) => Succeeded ? value! : other;

    /// <summary>The value, or the type and message of the failure.</summary>
    public override string ToString() => Succeeded ? $"{value}" : $"{Exception!.GetType().Name}: {FailureText.MessageOf(Exception)}";

    private static InvalidOperationException Nothing()
        => new("Nothing has ended here: this is default(Settled<T>). Take it from future.Settled(), or make it by Settled.Of.");
}

/// <summary>Makes outcomes, for tests.</summary>
public static class Settled
{
    /// <summary>Makes the outcome of a success.</summary>
    /// <param name="value">The value.</param>
    public static Settled<T> Of<T>(T value) => new(value, null);

    /// <summary>Makes the outcome of a failure or a cancellation.</summary>
    /// <typeparam name="T">The type of the missing value.</typeparam>
    /// <param name="exception">The failure; an <see cref="OperationCanceledException"/> means a cancellation.</param>
    public static Settled<T> Failed<T>(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return new(default, new Failure("a step", exception, exception is OperationCanceledException));
    }
}
