namespace Sluice;

/// <summary>
/// Thrown if an item fails in the body of a worker process, or if a worker process itself fails. The details come as text.
/// </summary>
public class WorkerException : SluiceException
{
    /// <summary>Creates the exception without a message.</summary>
    public WorkerException() { }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">What failed.</param>
    public WorkerException(string message) : base(message) { }

    /// <summary>Creates the exception with a message and a cause.</summary>
    /// <param name="message">What failed.</param>
    /// <param name="inner">The cause.</param>
    public WorkerException(string message, Exception? inner) : base(message, inner) { }

    /// <summary>The node of the body that failed; null if the process failed.</summary>
    public string? Node { get; init; }

    /// <summary>The type name of the body's exception; null if the process failed.</summary>
    public string? ExceptionType { get; init; }
}
