namespace Sluice;

/// <summary>
/// Thrown by an <see cref="IExecutor"/>: where it had a function executed is gone, and the function has not come to its end. It has not failed: the processor is started again from where it was, as after the death of a service,
/// up to <see cref="SupervisorOptions.MaxStarts"/> times.
/// </summary>
public sealed class ExecutionLostException : SluiceException
{
    /// <summary>Makes one without a message.</summary>
    public ExecutionLostException() { }

    /// <summary>Makes one.</summary>
    /// <param name="message">What was lost and how, for example how a process has ended.</param>
    public ExecutionLostException(string message) : base(message) { }

    /// <summary>Makes one with a cause.</summary>
    /// <param name="message">What was lost and how, for example how a process has ended.</param>
    /// <param name="inner">The cause.</param>
    public ExecutionLostException(string message, Exception? inner) : base(message, inner) { }
}
