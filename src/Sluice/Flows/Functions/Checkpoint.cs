using System.Buffers;

namespace Sluice.Flows;

/// <summary>The saved state of a processor that resumes at checkpoints; a parameter of its function.</summary>
/// <typeparam name="TState">The type of the state.</typeparam>
/// <remarks>Not thread-safe.</remarks>
public sealed class Checkpoint<TState>
{
    private readonly IPayloadSerializer<TState> serializer;
    private readonly Func<byte[], CancellationToken, Task> save;

    internal Checkpoint(byte[]? stored, PayloadSerializers serializers, Func<byte[], CancellationToken, Task> save)
    {
        this.save = save;
        serializer = serializers.For<TState>();
        HasValue = stored is not null;
        if (HasValue) Value = serializer.Deserialize(stored);
    }

    /// <summary>Whether there is a saved state, from this start or an earlier one.</summary>
    [MemberNotNullWhen(true, nameof(Value))]
    public bool HasValue { get; private set; }

    /// <summary>The state saved last; default if there is none.</summary>
    public TState? Value { get; private set; }

    /// <summary>
    /// Commits the state, all output since the last checkpoint, and the position in the inputs, in one commit. Values that the function has
    /// read count as processed.
    /// </summary>
    /// <exception cref="FlowException">The output since the last checkpoint is too large for one commit.</exception>
    public async Task SaveAsync(TState value, CancellationToken cancellation = default)
    {
        var bytes = new ArrayBufferWriter<byte>();
        serializer.Serialize(value, bytes);
        await save(bytes.WrittenSpan.ToArray(), cancellation).ConfigureAwait(false);
        (HasValue, Value) = (true, value);
    }
}
