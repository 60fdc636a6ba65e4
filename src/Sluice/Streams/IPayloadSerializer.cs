using System.Buffers;

namespace Sluice;

/// <summary>Turns values into bytes and back. Payloads are data: an implementation must never load a type that a payload names.</summary>
/// <typeparam name="T">The type of the values.</typeparam>
/// <remarks>Implementations are thread-safe.</remarks>
public interface IPayloadSerializer<T>
{
    /// <summary>Writes a value. What it throws is reported with stream and entry.</summary>
    /// <param name="value">The value.</param>
    /// <param name="to">Where to write.</param>
    void Serialize(T value, IBufferWriter<byte> to);

    /// <summary>Reads a value. What it throws is reported with stream and entry.</summary>
    /// <param name="payload">The whole payload; not to be kept.</param>
    T Deserialize(ReadOnlySpan<byte> payload);
}
