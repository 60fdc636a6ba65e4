using System.Buffers;

namespace Sluice.Storage;

/// <summary>
/// Converts values to bytes and back. Payloads are untrusted data: an implementation must never load a type that a payload names.
/// </summary>
/// <typeparam name="T">The type of the values.</typeparam>
/// <remarks>Implementations are thread-safe.</remarks>
public interface IPayloadSerializer<T>
{
    /// <summary>Writes a value. Exceptions are reported with the stream and the entry.</summary>
    /// <param name="value">The value.</param>
    /// <param name="to">Receives the bytes.</param>
    void Serialize(T value, IBufferWriter<byte> to);

    /// <summary>Reads a value. Exceptions are reported with the stream and the entry.</summary>
    /// <param name="payload">The whole payload; valid during the call only.</param>
    T Deserialize(ReadOnlySpan<byte> payload);
}
