namespace Sluice;

/// <summary>The base of all exceptions of Sluice. Wrong arguments and calls at a wrong time throw the exceptions of .NET instead, such as
/// <see cref="ArgumentException"/>.</summary>
public abstract class SluiceException : Exception
{
    /// <summary>An exception without a message of its own.</summary>
    protected SluiceException() { }

    /// <summary>An exception.</summary>
    /// <param name="message">What happened, where, and what to do.</param>
    protected SluiceException(string? message) : base(message) { }

    /// <summary>An exception with a cause.</summary>
    /// <param name="message">What happened, where, and what to do.</param>
    /// <param name="inner">The cause; null if there is none.</param>
    protected SluiceException(string? message, Exception? inner) : base(message, inner) { }
}
