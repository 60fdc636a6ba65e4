namespace Sluice.Storage;

/// <summary>The field of the headers that has the id of the item, if that is not the id of the entry.</summary>
/// <remarks>A field is a tag (1 byte), the length (2 bytes, little-endian), and the value.</remarks>
internal static class ItemIdHeader
{
    public const byte Tag = 1;

    public static string? Read(ReadOnlySpan<byte> headers)
    {
        while (headers.Length >= 3)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(headers[1..]);
            if (headers.Length < 3 + length) break;
            if (headers[0] == Tag) return Encoding.UTF8.GetString(headers.Slice(3, length));
            headers = headers[(3 + length)..];
        }
        return null;
    }
}
