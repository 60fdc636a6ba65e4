namespace Sluice;

/// <summary>How payloads are compressed.</summary>
public enum PayloadCompression
{
    /// <summary>Brotli (RFC 7932): smaller.</summary>
    Brotli,

    /// <summary>zlib (RFC 1950): read by everything.</summary>
    ZLib,
}
