namespace Sluice.Diagnostics;

/// <summary>A state in its stored form.</summary>
/// <param name="Key">The key of the state; empty for the single state of a partition.</param>
/// <param name="Version">The version of the form.</param>
/// <param name="Payload">The serialized state: JSON, unless another serializer is used.</param>
public sealed record StoredState(string Key, int Version, ReadOnlyMemory<byte> Payload)
{
    /// <summary>The partition of the state, from zero.</summary>
    public int Partition { get; init; }
}
