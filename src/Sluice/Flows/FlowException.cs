namespace Sluice;

/// <summary>A run of a flow, or a part of it, has failed. The message says where it began.</summary>
public class FlowException : SluiceException
{
    /// <summary>Makes one without a message.</summary>
    public FlowException() { }

    /// <summary>Makes one.</summary>
    /// <param name="message">What happened, where, and what to do.</param>
    public FlowException(string message) : base(message) { }

    /// <summary>Makes one with a cause.</summary>
    /// <param name="message">What happened, where, and what to do.</param>
    /// <param name="inner">The cause.</param>
    public FlowException(string message, Exception? inner) : base(message, inner) { }

    /// <summary>The run; null where none is concerned.</summary>
    public string? Run { get; init; }

    /// <summary>The processor where it began; null if it began at none.</summary>
    public string? Processor { get; init; }

    /// <summary>Whether somebody has cancelled the run.</summary>
    public bool IsCancelled { get; init; }
}

/// <summary>A processor that was repeated has put out something else than before: what readers have seen and what would follow do not belong together.</summary>
public sealed class NondeterministicReplayException : FlowException
{
    /// <summary>Makes one without a message.</summary>
    public NondeterministicReplayException() { }

    /// <summary>Makes one.</summary>
    /// <param name="message">What happened, where, and what to do.</param>
    public NondeterministicReplayException(string message) : base(message) { }

    /// <summary>Makes one with a cause.</summary>
    /// <param name="message">What happened, where, and what to do.</param>
    /// <param name="inner">The cause.</param>
    public NondeterministicReplayException(string message, Exception? inner) : base(message, inner) { }
}
