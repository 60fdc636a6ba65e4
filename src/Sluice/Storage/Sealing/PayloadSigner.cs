using System.Security.Cryptography;

namespace Sluice.Storage;

/// <summary>
/// The signature layer of a payload, the outermost one: a mark, the length of the key's id (1 byte), the id, the payload, and the
/// HMAC-SHA256 of all that. The HMAC key is derived from the ring's key and the stream's name.
/// </summary>
/// <remarks>Immutable and thread-safe.</remarks>
internal sealed class PayloadSigner
{
    private const int TagBytes = HMACSHA256.HashSizeInBytes;

    private readonly PayloadKeys ring;
    private readonly string? stream;
    private readonly bool readsUnsigned;
    private readonly Dictionary<string, byte[]> keys;
    private readonly byte[] signing;
    private readonly byte[] head;

    public PayloadSigner(PayloadKeys ring, string? stream, bool readsUnsigned)
    {
        (this.ring, this.stream, this.readsUnsigned) = (ring, stream, readsUnsigned);
        keys = ring.For(stream);
        signing = keys[ring.Signing];
        head = [PayloadMark.Signed, (byte)ring.Signing.Length, .. Encoding.ASCII.GetBytes(ring.Signing)];
    }

    public PayloadSigner In(string stream) => new(ring, stream, readsUnsigned);

    /// <summary>Writes the header before a payload.</summary>
    public void Begin(RecordWriter to) => to.Write(head);

    /// <summary>Signs the header and the payload.</summary>
    public void End(RecordWriter to)
    {
        Span<byte> tag = to.GetSpan(TagBytes)[..TagBytes];
        HMACSHA256.HashData(signing, to.From(0), tag);
        to.Advance(TagBytes);
    }

    /// <summary>Verifies the signature and removes the layer.</summary>
    /// <exception cref="PayloadException">The signature is invalid or missing.</exception>
    public ReadOnlySpan<byte> Read(ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty || payload[0] != PayloadMark.Signed)
        {
            return readsUnsigned ? payload : throw new PayloadException(
                "It is not signed, and such payloads are refused here: Signed(keys, readsUnsigned: true) reads them as well.");
        }
        int length = payload.Length > 1 ? payload[1] : 0;
        if (length is 0 or > PayloadKeys.MaxIdLength || payload.Length < 2 + length + TagBytes)
            throw new PayloadException("It is signed, and damaged or cut off.");
        ReadOnlySpan<byte> letters = payload.Slice(2, length);
        foreach (byte letter in letters)
            if (!PayloadKeys.IsInId(letter)) throw new PayloadException("It is signed with a key whose id is none: it was changed.");
        string id = Encoding.ASCII.GetString(letters);
        if (!keys.TryGetValue(id, out byte[]? key)) throw new PayloadException(
            $"It is signed with the key '{id}', which is not known here (known: {string.Join(", ", keys.Keys)}).");
        Span<byte> tag = stackalloc byte[TagBytes];
        HMACSHA256.HashData(key, payload[..^TagBytes], tag);
        if (!CryptographicOperations.FixedTimeEquals(tag, payload[^TagBytes..]))
            throw new PayloadException(
                $"Its signature does not hold: it was "
                    + $"changed, {(stream is null ? "" : $"or written for another stream than {stream}, ")}or signed with another key "
                    + $"that is called '{id}' as well.");
        return payload[(2 + length)..^TagBytes];
    }
}
