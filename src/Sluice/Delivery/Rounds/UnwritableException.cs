namespace Sluice.Delivery;

/// <summary>A value of a node cannot be written: its state, or an emission that is to be stored. Never leaves the library.</summary>
/// <param name="index">The number of the node.</param>
/// <param name="node">The name of the node.</param>
/// <param name="message">The value that cannot be written, and the reason.</param>
/// <param name="cause">The exception of the serializer.</param>
internal sealed class UnwritableException(int index, string node, string message, Exception cause) : Exception(message, cause)
{
    /// <summary>Whether the value is an emission; otherwise it is state.</summary>
    public bool IsEmission { get; init; }

    /// <summary>Whether the failure is independent of the value: no serializer knows its type, or it is too long although each item in it
    /// can be written.</summary>
    public bool IsStructural { get; init; }

    /// <summary>Returns the failure of the item that caused it; the item is retried like others.</summary>
    public PartFailure AsFailure() => new(AsNodeFailure(), IsPartial: true, IsFinal: false, Attempts: 1);

    /// <summary>Returns the failure of the node.</summary>
    public PipelineException AsNodeFailure() => new(node, null, new PayloadException(Message, InnerException), index);
}
