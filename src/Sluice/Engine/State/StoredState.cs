namespace Sluice;

/// <summary>A state as it is stored.</summary>
/// <param name="Key">Its key; empty for the one of a partition.</param>
/// <param name="Version">The version of its form.</param>
/// <param name="Payload">What the serializer made of it: JSON, unless another one was given.</param>
public sealed record StoredState(string Key, int Version, ReadOnlyMemory<byte> Payload)
{
    /// <summary>The partition that it is in, from zero.</summary>
    public int Partition { get; init; }
}
