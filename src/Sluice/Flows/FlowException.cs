namespace Sluice.Flows;

/// <summary>Thrown if a run of a flow, or a part of it, has failed. The message names the origin of the failure.</summary>
public class FlowException : SluiceException
{
    /// <summary>Creates the exception without a message.</summary>
    public FlowException() { }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">What happened, where, and what to do.</param>
    public FlowException(string message) : base(message) { }

    /// <summary>Creates the exception with a message and a cause.</summary>
    /// <param name="message">What happened, where, and what to do.</param>
    /// <param name="inner">The cause.</param>
    public FlowException(string message, Exception? inner) : base(message, inner) { }

    /// <summary>The id of the run; null if the failure concerns no run.</summary>
    public string? Run { get; init; }

    /// <summary>The processor that failed first; null if the failure began elsewhere.</summary>
    public string? Processor { get; init; }

    /// <summary>Whether the run was cancelled.</summary>
    public bool IsCancelled { get; init; }
}

/// <summary>
/// Thrown if a processor that was started again puts out other values than before. Its readers have already seen the earlier values.
/// </summary>
public sealed class NondeterministicReplayException : FlowException
{
    /// <summary>Creates the exception without a message.</summary>
    public NondeterministicReplayException() { }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">What happened, where, and what to do.</param>
    public NondeterministicReplayException(string message) : base(message) { }

    /// <summary>Creates the exception with a message and a cause.</summary>
    /// <param name="message">What happened, where, and what to do.</param>
    /// <param name="inner">The cause.</param>
    public NondeterministicReplayException(string message, Exception? inner) : base(message, inner) { }
}
