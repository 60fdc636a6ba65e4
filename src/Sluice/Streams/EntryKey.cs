using System.Text;

namespace Sluice;

/// <summary>
/// The key of an entry, as a hash: entries of one key share a partition and have an order. <c>default</c> is no key. Two keys
/// with one hash are treated as one key, which costs parallelism and nothing else.
/// </summary>
/// <param name="Hash">Zero for no key. The hash is stored: it is the same in every process and version.</param>
public readonly record struct EntryKey(ulong Hash)
{
    /// <summary>Whether there is a key.</summary>
    public bool Exists => Hash != 0;

    /// <summary>The key of some bytes: FNV-1a of 64 bits, mixed by the finalizer of MurmurHash3.</summary>
    public static EntryKey Of(ReadOnlySpan<byte> key)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in key) hash = (hash ^ b) * 1099511628211;
        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
        hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
        hash ^= hash >> 33;
        return new(hash == 0 ? 1 : hash);
    }

    /// <summary>The key of a text: of its bytes in UTF-8.</summary>
    public static EntryKey Of(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        Span<byte> bytes = stackalloc byte[256];
        return Encoding.UTF8.TryGetBytes(key, bytes, out int written) ? Of(bytes[..written]) : Of(Encoding.UTF8.GetBytes(key));
    }

    /// <summary>The partition of this key.</summary>
    /// <param name="partitions">How many the stream has; at least one.</param>
    /// <exception cref="InvalidOperationException">There is no key.</exception>
    public int PartitionOf(int partitions)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(partitions, 1);
        if (!Exists) throw new InvalidOperationException("An entry without a key has no partition of its own: the store chooses one.");
        return (int)(Hash % (ulong)partitions);
    }
}
