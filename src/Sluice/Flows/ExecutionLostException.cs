namespace Sluice.Flows;

/// <summary>
/// Thrown by an <see cref="IExecutor"/> if the place of execution is gone before the function has ended, for example because a child
/// process died.
/// </summary>
/// <remarks>
/// The processor has not failed. The supervisor starts it again from its last position, at most <see cref="SupervisorOptions.MaxStarts"/>
/// times.
/// </remarks>
public sealed class ExecutionLostException : SluiceException
{
    /// <summary>Creates the exception without a message.</summary>
    public ExecutionLostException() { }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">What was lost and how, for example how a process has ended.</param>
    public ExecutionLostException(string message) : base(message) { }

    /// <summary>Creates the exception with a message and a cause.</summary>
    /// <param name="message">What was lost and how, for example how a process has ended.</param>
    /// <param name="inner">The cause.</param>
    public ExecutionLostException(string message, Exception? inner) : base(message, inner) { }
}
