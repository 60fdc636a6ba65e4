namespace Sluice;

/// <summary>The first byte of a layer around a payload. No text in UTF-8 begins with one, so JSON is never taken for a layer.</summary>
internal static class PayloadMark
{
    public const byte Signed = 0xF8;
    public const byte Stored = 0xF9;
    public const byte Brotli = 0xFA;
    public const byte ZLib = 0xFB;

    /// <summary>What a payload is that a serializer without layers was given; null if it has no mark.</summary>
    public static string? Hint(ReadOnlySpan<byte> payload) => payload.IsEmpty ? null : payload[0] switch
    {
        Signed => "The payload is signed, and is read here without keys: PayloadSerializers.Signed reads it.",
        Stored or Brotli or ZLib => "The payload was written with compression, and is read here without: PayloadSerializers.Compressed reads it.",
        _ => null,
    };
}
