namespace Sluice.Storage;

/// <summary>The marks of payload layers: first bytes that no UTF-8 text begins with, so that JSON is never taken for a layer.</summary>
internal static class PayloadMark
{
    public const byte Signed = 0xF8;
    public const byte Stored = 0xF9;
    public const byte Brotli = 0xFA;
    public const byte ZLib = 0xFB;

    /// <summary>Explains a payload whose layers the serializer does not expect; null if it has no mark.</summary>
    public static string? Hint(ReadOnlySpan<byte> payload) => payload.IsEmpty ? null : payload[0] switch
    {
        Signed => "The payload is signed, and is read here without keys: PayloadSerializers.Signed reads it.",
        Stored or Brotli or ZLib
            => "The payload was written with compression, and is read here without: PayloadSerializers.Compressed reads it.",
        _ => null,
    };
}
