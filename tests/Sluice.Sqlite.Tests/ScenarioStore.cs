using Sluice.Sqlite;
using Sluice.Sqlite.Tests;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The store for scenarios of consecutors: a new file, deleted at the end.</summary>
internal static class ScenarioStore
{
    /// <summary>Of how many deaths of a process, or seeds, one is played: the faster the store, the more. No multiple of three, so that
    /// a process dies before, inside and after calls. <c>SLUICE_SHARE=1</c> plays all.</summary>
    public static int Share { get; } = int.Parse(Environment.GetEnvironmentVariable("SLUICE_SHARE") ?? "10");

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
