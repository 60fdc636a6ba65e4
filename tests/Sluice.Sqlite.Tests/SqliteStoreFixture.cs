using Sluice.Testing;

namespace Sluice.Sqlite.Tests;

/// <summary>A store in a file, in this process: a kill gives it up as it is.</summary>
internal sealed class SqliteStoreFixture(Durability durability, int recentBlocks = 256) : StreamStoreFixture
{
    private readonly TempDirectory directory = new();
    private Database? watcher;

    /// <summary>How many transactions found, when they were about to end, that something had been stored since the one before.</summary>
    public int Early { get; private set; }

    public override async ValueTask<IStreamStore> OpenAsync(TimeProvider time)
    {
        SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File("store.db"), durability, new() { Time = time, RecentBlocks = recentBlocks });
        watcher?.Dispose();
        Database another = watcher = Database.Open(directory.File("store.db"), readOnly: true);
        string? seen = Version();
        store.Probe = hasEnded =>
        {
            string? found = Version();
            if (!hasEnded && found != seen) Early++;
            seen = found;
        };
        return store;

        // Changes when another connection has stored something.
        string? Version() => another.Ask("PRAGMA data_version");
    }

    public override ValueTask KillAsync(IStreamStore store) => ((SqliteStreamStore)store).AbandonAsync();

    public override ValueTask DisposeAsync()
    {
        watcher?.Dispose();
        directory.Dispose();
        return base.DisposeAsync();
    }
}
