using System.Security.Cryptography;

namespace Sluice;

/// <summary>The keys with which payloads are signed: one signs, all of them verify. See <see cref="PayloadSerializers.Signed"/>.</summary>
/// <remarks>
/// <para>Immutable and thread-safe. Keys are shown nowhere, not in <see cref="ToString"/> either; their ids are, and are written into each payload.</para>
/// <para>To replace a key: let all programs accept the new one, then let them sign with it, and when nothing signed with the old one is left, accept it no more.</para>
/// </remarks>
/// <example><code>
/// var keys = new PayloadKeys("2026-11", newKey).Accepting("2026-05", oldKey);
/// </code></example>
public sealed class PayloadKeys
{
    /// <summary>The least length of a key, in bytes; random ones: <see cref="RandomNumberGenerator.GetBytes(int)"/>.</summary>
    public const int MinKeyBytes = 32;

    internal const int MaxIdLength = 64;

    private readonly Dictionary<string, byte[]> keys;

    /// <summary>A ring of one key, which signs.</summary>
    /// <param name="id">Its name: 1 to 64 letters, digits, '-', '_' and '.' of ASCII. No secret.</param>
    /// <param name="key">The key: random, at least <see cref="MinKeyBytes"/> long. Copied.</param>
    /// <exception cref="ArgumentException">The id is none, or the key is too short.</exception>
    public PayloadKeys(string id, ReadOnlySpan<byte> key)
    {
        Signing = Check(id, key);
        keys = new(StringComparer.Ordinal) { [id] = key.ToArray() };
    }

    private PayloadKeys(Dictionary<string, byte[]> keys, string signing) => (this.keys, Signing) = (keys, signing);

    /// <summary>The id of the key that signs.</summary>
    public string Signing { get; }

    /// <summary>The same with another key that verifies, and does not sign.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="key">The key: at least <see cref="MinKeyBytes"/> long. Copied.</param>
    /// <exception cref="ArgumentException">The id is none, or is there already, or the key is too short.</exception>
    public PayloadKeys Accepting(string id, ReadOnlySpan<byte> key)
    {
        _ = Check(id, key);
        if (keys.ContainsKey(id)) throw new ArgumentException($"There is a key '{id}' already: another key needs another id, else nobody knows which one a payload is signed with.", nameof(id));
        return new(new Dictionary<string, byte[]>(keys, StringComparer.Ordinal) { [id] = key.ToArray() }, Signing);
    }

    /// <summary>The ids; never the keys.</summary>
    public override string ToString()
    {
        string[] others = [.. keys.Keys.Where(id => id != Signing)];
        return others.Length == 0 ? $"signs with {Signing}" : $"signs with {Signing}, accepts {string.Join(", ", others)} as well";
    }

    /// <summary>Keys of the same names for the payloads of one stream: a signature of another stream does not hold there.</summary>
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
            throw new ArgumentException($"The key '{id}' has {key.Length} bytes; {MinKeyBytes} random ones are the least: RandomNumberGenerator.GetBytes({MinKeyBytes}).", nameof(key));
        return id;
    }
}
