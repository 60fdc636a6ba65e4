namespace Sluice;

/// <summary>A value of a node's cannot be written: what it remembers, or what it has put out and is to be stored. Never leaves the library.</summary>
/// <param name="index">The number of the node.</param>
/// <param name="node">Its name.</param>
/// <param name="message">What cannot be written, and why.</param>
/// <param name="cause">What the serializer threw.</param>
internal sealed class UnwritableException(int index, string node, string message, Exception cause) : Exception(message, cause)
{
    /// <summary>Whether something that a node has put out cannot be stored; else it is something that a node remembers.</summary>
    public bool IsEmission { get; init; }

    /// <summary>Whether it does not depend on the value: no serializer knows its type, or it is too long, though each item in it can be written.</summary>
    public bool IsStructural { get; init; }

    /// <summary>The failure of the item that has caused it; it is tried again like others.</summary>
    public PartFailure AsFailure() => new(AsNodeFailure(), IsPartial: true, IsFinal: false, Attempts: 1);

    /// <summary>The failure of the node.</summary>
    public PipelineException AsNodeFailure() => new(node, null, new PayloadException(Message, InnerException), index);
}
