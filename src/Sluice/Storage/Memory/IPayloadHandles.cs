namespace Sluice.Storage;

/// <summary>Keeps the objects that payloads in a memory store stand for, and counts how many entries and letters have a payload.</summary>
/// <remarks>Called under the lock of the store. A payload that stands for no object is ignored.</remarks>
internal interface IPayloadHandles
{
    /// <summary>A letter has got the payload of its entry.</summary>
    void Hold(ReadOnlySpan<byte> payload);

    /// <summary>An entry or a letter that had the payload is gone.</summary>
    void Free(ReadOnlySpan<byte> payload);
}
