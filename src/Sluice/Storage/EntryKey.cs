namespace Sluice.Storage;

/// <summary>
/// The key of an entry, as a hash. Entries with one key share a partition and have an order. <c>default</c> is no key. Two keys with the
/// same hash are treated as one key, which costs only parallelism.
/// </summary>
/// <param name="Hash">The hash; zero for no key. It is stored, and equal in every process and version.</param>
public readonly record struct EntryKey(ulong Hash)
{
    /// <summary>Whether there is a key.</summary>
    public bool Exists => Hash != 0;

    /// <summary>Computes the key of bytes: 64-bit FNV-1a, mixed by the finalizer of MurmurHash3.</summary>
    public static EntryKey Of(ReadOnlySpan<byte> key)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in key) hash = (hash ^ b) * 1099511628211;
        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
        hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
        hash ^= hash >> 33;
        return new(hash == 0 ? 1 : hash);
    }

    /// <summary>Computes the key of a text, from its UTF-8 bytes.</summary>
    public static EntryKey Of(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        Span<byte> bytes = stackalloc byte[256];
        return Encoding.UTF8.TryGetBytes(key, bytes, out int written) ? Of(bytes[..written]) : Of(Encoding.UTF8.GetBytes(key));
    }

    /// <summary>Returns the partition of this key.</summary>
    /// <param name="partitions">The stream's number of partitions; at least one.</param>
    /// <exception cref="InvalidOperationException">There is no key.</exception>
    public int PartitionOf(int partitions)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(partitions, 1);
        if (!Exists) throw new InvalidOperationException("An entry without a key has no partition of its own: the store chooses one.");
        return (int)(Hash % (ulong)partitions);
    }
}
