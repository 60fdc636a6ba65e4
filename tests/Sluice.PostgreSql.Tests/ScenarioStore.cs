using Sluice.PostgreSql;
using Sluice.PostgreSql.Tests;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>The store for scenarios of consecutors: on the shared server, with its own schema.</summary>
internal static class ScenarioStore
{
    /// <summary>The number of seeds for each crash test. The tests of the core play more of them.</summary>
    public const int CrashSeeds = 1;

    /// <summary>Whether a process dies at each call before, inside and after it, or at one of these moments in turn.</summary>
    public static bool PlaysAllMoments => false;

    public static async ValueTask<IStreamStore> OpenAsync(TimeProvider? time = null)
    {
        var options = new PostgresStoreOptions { Schema = SharedServer.NewSchema() };
        return await PostgresStreamStore.OpenAsync(SharedServer.Current.Address, time is null ? options
            : options with { Time = time, ServerTime = () => time.GetUtcNow() });
    }
}
