using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>What a processor that resumes at checkpoints remembers. Its function has it as a parameter.</summary>
/// <typeparam name="TState">The type of what is remembered.</typeparam>
/// <remarks>Used by one party at a time.</remarks>
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

    /// <summary>Whether something was saved, by an earlier start or this one.</summary>
    [MemberNotNullWhen(true, nameof(Value))]
    public bool HasValue { get; private set; }

    /// <summary>What was saved last; default if nothing was.</summary>
    public TState? Value { get; private set; }

    /// <summary>Saves, in one commit: this, everything that was put out, and how far the inputs were read, the current values included.</summary>
    /// <exception cref="FlowException">More was put out than one commit may have.</exception>
    public async Task SaveAsync(TState value, CancellationToken cancellation = default)
    {
        var bytes = new ArrayBufferWriter<byte>();
        serializer.Serialize(value, bytes);
        await save(bytes.WrittenSpan.ToArray(), cancellation).ConfigureAwait(false);
        (HasValue, Value) = (true, value);
    }
}
