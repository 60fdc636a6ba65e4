namespace Sluice.Storage;

/// <summary>The method of payload compression.</summary>
public enum PayloadCompression
{
    /// <summary>Brotli (RFC 7932): smaller payloads.</summary>
    Brotli,

    /// <summary>zlib (RFC 1950): readable by most tools.</summary>
    ZLib,
}
