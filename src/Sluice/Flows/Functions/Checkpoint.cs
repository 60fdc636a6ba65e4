using System.Buffers;

namespace Sluice.Flows;

/// <summary>The saved state of a processor that resumes at checkpoints; a parameter of its function.</summary>
/// <typeparam name="TState">The type of the state.</typeparam>
/// <remarks>Not thread-safe.</remarks>
public sealed class Checkpoint<TState>
{
    private readonly IPayloadSerializer<TState> serializer;
    private readonly Func<byte[], CancellationToken, Task> save;
    private readonly string whose;

    /// <param name="stored">The saved state; null if there is none.</param>
    /// <param name="serializers">Of the supervisor.</param>
    /// <param name="save">Commits the state.</param>
    /// <param name="whose">The processor and the run, for errors.</param>
    internal Checkpoint(byte[]? stored, PayloadSerializers serializers, Func<byte[], CancellationToken, Task> save, string whose)
    {
        (this.save, this.whose) = (save, whose);
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
    /// <exception cref="PayloadException">The state cannot be written; nothing was committed.</exception>
    public async Task SaveAsync(TState value, CancellationToken cancellation = default)
    {
        var bytes = new ArrayBufferWriter<byte>();
        try
        {
            serializer.Serialize(value, bytes);
        }
        catch (Exception e)
        {
            throw new PayloadException($"The state of {whose} cannot be written as {TypeNames.Of(typeof(TState))}: {FailureText.Of(e)}", e);
        }
        await save(bytes.WrittenSpan.ToArray(), cancellation).ConfigureAwait(false);
        (HasValue, Value) = (true, value);
    }
}
