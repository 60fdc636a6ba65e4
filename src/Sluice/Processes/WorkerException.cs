namespace Sluice;

/// <summary>Something has failed in a worker process: the body at an item, or the process itself. What is known of it came as text.</summary>
public class WorkerException : SluiceException
{
    /// <summary>Makes one without a message.</summary>
    public WorkerException() { }

    /// <summary>Makes one.</summary>
    /// <param name="message">What failed.</param>
    public WorkerException(string message) : base(message) { }

    /// <summary>Makes one with a cause.</summary>
    /// <param name="message">What failed.</param>
    /// <param name="inner">The cause.</param>
    public WorkerException(string message, Exception? inner) : base(message, inner) { }

    /// <summary>The name of the node in the body that failed; null where it was the process.</summary>
    public string? Node { get; init; }

    /// <summary>The name of the type of what the body threw, as text; null where it was the process.</summary>
    public string? ExceptionType { get; init; }
}
