namespace Sluice.Sqlite;

/// <summary>The options of a store in a SQLite file. They are not stored.</summary>
public sealed record SqliteStoreOptions
{
    /// <summary>The time provider; by default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>
    /// The size of the write-ahead log, in bytes, above which it is copied into the file; 64 KB to 1 GB, by default 16 MB. With a larger
    /// log less is copied, because entries settled in the meantime are not, but each copy takes longer.
    /// </summary>
    public long MaxLogBytes { get; init; } = 16 << 20;

    /// <summary>The size of SQLite's cache in memory, in bytes; 64 KB to 1 GB, by default 8 MB.</summary>
    public long MaxCacheBytes { get; init; } = 8 << 20;

    /// <summary>
    /// Whether other processes of this user can change the store through this one, by a socket beside the file (<c>-socket</c>); by default
    /// true. They can redrive and delete dead letters, pause, drain and resume consecutors, and send items, as the dashboard does with an
    /// edited letter.
    /// </summary>
    public bool AcceptsChanges { get; init; } = true;

    // The maximum number of recent blocks, whose chunks have no rows; tests use fewer.
    internal int RecentBlocks { get; init; } = 256;

    // The time after which the token of a function in a commit is cancelled; after twice that time the store goes on.
    internal TimeSpan MaxFunctionTime { get; init; } = TimeSpan.FromSeconds(2);

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
