using System.Security.Cryptography;

namespace Sluice.Storage;

/// <summary>The keys for signed payloads: one key signs, all keys verify. See <see cref="PayloadSerializers.Signed"/>.</summary>
/// <remarks>
/// <para>Immutable and thread-safe. Keys are never shown, not even by <see cref="ToString"/>. Their ids are public and part of each
/// payload.</para>
/// <para>To replace a key, first let all programs accept the new key, then sign with it, and drop the old key once no payload has its
/// signature.</para>
/// </remarks>
/// <example><code>
/// var keys = new PayloadKeys("2026-11", newKey).Accepting("2026-05", oldKey);
/// </code></example>
public sealed class PayloadKeys
{
    /// <summary>The minimum length of a key, in bytes. Create random keys with <see cref="RandomNumberGenerator.GetBytes(int)"/>.</summary>
    public const int MinKeyBytes = 32;

    internal const int MaxIdLength = 64;

    private readonly Dictionary<string, byte[]> keys;

    /// <summary>Creates a ring of one key, which signs.</summary>
    /// <param name="id">The key's id: 1 to 64 ASCII letters, digits, '-', '_' and '.'. It is not secret.</param>
    /// <param name="key">The key: random, at least <see cref="MinKeyBytes"/> long. Copied.</param>
    /// <exception cref="ArgumentException">The id is invalid, or the key is too short.</exception>
    public PayloadKeys(string id, ReadOnlySpan<byte> key)
    {
        Signing = Check(id, key);
        keys = new(StringComparer.Ordinal) { [id] = key.ToArray() };
    }

    private PayloadKeys(Dictionary<string, byte[]> keys, string signing) => (this.keys, Signing) = (keys, signing);

    /// <summary>The id of the key that signs.</summary>
    public string Signing { get; }

    /// <summary>Returns a copy with another key that only verifies.</summary>
    /// <param name="id">The key's id.</param>
    /// <param name="key">The key: at least <see cref="MinKeyBytes"/> long. Copied.</param>
    /// <exception cref="ArgumentException">The id is invalid or in use, or the key is too short.</exception>
    public PayloadKeys Accepting(string id, ReadOnlySpan<byte> key)
    {
        _ = Check(id, key);
        if (keys.ContainsKey(id)) throw new ArgumentException(
            $"There is a key '{id}' already: another key needs another id, or it is unknown which key signed a payload.",
                nameof(id));
        return new(new Dictionary<string, byte[]>(keys, StringComparer.Ordinal) { [id] = key.ToArray() }, Signing);
    }

    /// <summary>Lists the ids, never the keys.</summary>
    public override string ToString()
    {
        string[] others = [.. keys.Keys.Where(id => id != Signing)];
        return others.Length == 0 ? $"signs with {Signing}" : $"signs with {Signing}, accepts {string.Join(", ", others)} as well";
    }

    /// <summary>Derives keys with the same ids for one stream, so that its signatures are invalid in other streams.</summary>
    internal Dictionary<string, byte[]> For(string? stream)
    {
        byte[] context = System.Text.Encoding.UTF8.GetBytes($"Sluice payload 1\n{stream}");
        return keys.ToDictionary(key => key.Key, key => HMACSHA256.HashData(key.Value, context), StringComparer.Ordinal);
    }

    internal static bool IsInId(byte letter) => char.IsAsciiLetterOrDigit((char)letter) || letter is (byte)'-' or (byte)'_' or (byte)'.';

    private static string Check(string id, ReadOnlySpan<byte> key)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        if (id.Length > MaxIdLength || !id.All(letter => letter < 128 && IsInId((byte)letter)))
            throw new ArgumentException($"The id of a key has 1 to {MaxIdLength} letters, digits, '-', '_' and '.'.", nameof(id));
        if (key.Length < MinKeyBytes)
            throw new ArgumentException(
                $"The key '{id}' has {key.Length} bytes; {MinKeyBytes} random ones are the least: "
                    + $"RandomNumberGenerator.GetBytes({MinKeyBytes}).", nameof(key));
        return id;
    }
}
