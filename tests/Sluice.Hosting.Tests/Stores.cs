using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Hosting.Tests;

/// <summary>A store that can be opened again with its contents, as after a restart.</summary>
internal sealed class Stores(string kind, TimeProvider? time = null) : IAsyncDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-hosting-");
    private IStreamStore? present;

    public async Task<IStreamStore> OpenAsync()
    {
        if (present is MemoryStreamStore) return present;
        if (present is not null) await present.DisposeAsync();
        present = kind == "memory" ? new MemoryStreamStore(time ?? TimeProvider.System)
            : await SqliteStreamStore.OpenAsync(Path.Combine(directory.FullName, "store.db"), Durability.Process,
            new() { Time = time ?? TimeProvider.System });
        return present;
    }

    public async ValueTask DisposeAsync()
    {
        if (present is not null) await present.DisposeAsync();
        directory.Delete(recursive: true);
    }
}
