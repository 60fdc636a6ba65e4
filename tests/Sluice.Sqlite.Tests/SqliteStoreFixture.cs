using Sluice.Testing;

namespace Sluice.Sqlite.Tests;

/// <summary>A store in a file, in this process: a kill gives it up as it is.</summary>
internal sealed class SqliteStoreFixture(Durability durability) : StreamStoreFixture
{
    private readonly TempDirectory directory = new();

    public override async ValueTask<IStreamStore> OpenAsync(TimeProvider time)
        => await SqliteStreamStore.OpenAsync(directory.File("store.db"), durability, new() { Time = time });

    public override ValueTask KillAsync(IStreamStore store) => ((SqliteStreamStore)store).AbandonAsync();

    public override ValueTask DisposeAsync()
    {
        directory.Dispose();
        return base.DisposeAsync();
    }
}
