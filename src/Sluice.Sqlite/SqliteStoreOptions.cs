namespace Sluice.Sqlite;

/// <summary>How a store in a file is opened. None of it is stored.</summary>
public sealed record SqliteStoreOptions
{
    /// <summary>Where time comes from; the system's unless given.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>
    /// How large the write-ahead log becomes before it is copied into the file, in bytes; 64 KB to 1 GB, 16 MB unless given. A larger one copies less, because
    /// what was settled meanwhile is not copied, and takes longer when it does.
    /// </summary>
    public long MaxLogBytes { get; init; } = 16 << 20;

    /// <summary>How much of the file SQLite keeps in memory, in bytes; 64 KB to 1 GB, 8 MB unless given.</summary>
    public long MaxCacheBytes { get; init; } = 8 << 20;

    // How many blocks are known without rows; for tests, which have fewer.
    internal int RecentBlocks { get; init; } = 256;

    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(Time);
        foreach (long bytes in (ReadOnlySpan<long>)[MaxLogBytes, MaxCacheBytes])
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 64 << 10);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, 1 << 30);
        }
    }
}
