namespace Sluice;

/// <summary>A stream of a run, to be written by the processor whose output it is.</summary>
/// <typeparam name="T">The type of its values.</typeparam>
/// <remarks>Thread-safe. The stream is completed when the processor has ended, and fails with it.</remarks>
public sealed class IOWriter<T>
{
    private readonly IOutputPort port;
    private readonly IPayloadSerializer<T> serializer;

    internal IOWriter(IOutputPort port, PayloadSerializers serializers) => (this.port, serializer) = (port, serializers.For<T>());

    /// <summary>The stream's name in the flow.</summary>
    public string Name => port.Name;

    /// <summary>Puts out a value; waits while the stream is full. A processor that resumes per item, or at checkpoints, puts it out with its next commit.</summary>
    /// <exception cref="PayloadException">It cannot be written, or is longer than the stream allows.</exception>
    /// <exception cref="FlowException">The stream has ended, the run keeps too much, or a commit would be too large.</exception>
    /// <exception cref="NondeterministicReplayException">The processor was repeated, and this is not what it had put out before.</exception>
    public ValueTask WriteAsync(T value, CancellationToken cancellation = default) => port.WriteAsync(value, serializer, cancellation);
}
