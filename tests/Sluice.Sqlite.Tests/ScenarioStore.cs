using Sluice.Sqlite;
using Sluice.Sqlite.Tests;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The store for scenarios of consecutors: a new file, deleted at the end.</summary>
internal static class ScenarioStore
{
    /// <summary>The number of seeds for each crash test. The tests of the core play more of them.</summary>
    public const int CrashSeeds = 8;

    /// <summary>Whether a process dies at each call before, inside and after it, or at one of these moments in turn.</summary>
    public static bool PlaysAllMoments => false;

    public static async ValueTask<IStreamStore> OpenAsync(TimeProvider? time = null)
    {
        var directory = new TempDirectory();
        return new Removed(await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process,
            new() { Time = time ?? TimeProvider.System }), directory);
    }

    private sealed class Removed(IStreamStore inner, TempDirectory directory) : StreamStoreWrapper(inner)
    {
        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            directory.Dispose();
        }
    }
}
