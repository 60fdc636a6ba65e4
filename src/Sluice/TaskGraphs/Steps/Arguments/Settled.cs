namespace Sluice;

/// <summary>How a future has ended, as a value: its value, or why there is none. A step that takes it runs in any case, and deals with the failure itself.</summary>
/// <typeparam name="T">The value.</typeparam>
public readonly record struct Settled<T>
{
    private readonly T? value;
    private readonly Failure? failure;

    internal Settled(T? value, Failure? failure) => (this.value, this.failure) = (value, failure);

    /// <summary>Whether there is a value.</summary>
    public bool Succeeded => failure is null;

    /// <summary>Whether it was cancelled.</summary>
    public bool IsCancelled => failure is { IsCancellation: true };

    /// <summary>Why there is no value; null where there is one.</summary>
    public Exception? Exception => failure?.Exception;

    /// <summary>The value.</summary>
    /// <exception cref="System.Exception">Where there is none: what the step has thrown.</exception>
    public T Value
    {
        get
        {
            failure?.Throw();
            return value!;
        }
    }

    /// <summary>The value, or another in its place.</summary>
    /// <param name="other">What to take where there is none.</param>
    public T ValueOr(T other) => failure is null ? value! : other;

    /// <summary>The value, or the type and the message of the exception.</summary>
    public override string ToString() => failure is null ? $"{value}" : $"{failure.Exception.GetType().Name}: {failure.Exception.Message}";
}
