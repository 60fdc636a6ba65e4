namespace Sluice.Celery;

/// <summary>Thrown if a task of a Celery application has not succeeded. The message has the end of its traceback.</summary>
public sealed class CeleryTaskException : SluiceException
{
    /// <summary>Creates the exception without a message.</summary>
    public CeleryTaskException() { }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">What failed.</param>
    public CeleryTaskException(string message) : base(message) { }

    /// <summary>Creates the exception with a message and a cause.</summary>
    /// <param name="message">What failed.</param>
    /// <param name="inner">The cause.</param>
    public CeleryTaskException(string message, Exception? inner) : base(message, inner) { }

    /// <summary>The id of the task; null if it was not sent.</summary>
    public string? TaskId { get; init; }

    /// <summary>The state of the task, such as <c>FAILURE</c> or <c>REVOKED</c>; null if there is no result.</summary>
    public string? State { get; init; }

    /// <summary>The name of the exception's type in Python; null if there is none.</summary>
    public string? ExceptionType { get; init; }

    /// <summary>The whole traceback; null if there is none.</summary>
    public string? Traceback { get; init; }
}
