namespace Sluice.Flows;

/// <summary>An output stream of a processor, to which its function writes.</summary>
/// <typeparam name="T">The type of its values.</typeparam>
/// <remarks>
/// Thread-safe. The stream completes when the processor has ended, and fails if the processor fails. Await each write: a function that
/// returns while its writes are pending fails.
/// </remarks>
public sealed class IOWriter<T>
{
    private readonly IOutputPort port;
    private readonly IPayloadSerializer<T> serializer;

    internal IOWriter(IOutputPort port, PayloadSerializers serializers) => (this.port, serializer) = (port, serializers.For<T>());

    /// <summary>The name of the stream in the flow.</summary>
    public string Name => port.Name;

    /// <summary>
    /// Writes a value; waits while the stream is full. If the processor resumes per item or at checkpoints, readers see the value after the
    /// next commit.
    /// </summary>
    /// <exception cref="PayloadException">The value cannot be serialized, or is larger than the stream allows.</exception>
    /// <exception cref="FlowException">The stream has ended, the function has returned, the run keeps too many values, or the next
    /// commit would be too large.</exception>
    /// <exception cref="NondeterministicReplayException">The processor was started again, and has put out another value here
    /// before.</exception>
    public ValueTask WriteAsync(T value, CancellationToken cancellation = default)
        => port.WriteAsync(value, serializer, port.Trace, cancellation);
}
