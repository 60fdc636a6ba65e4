using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>The store for scenarios of consecutors: on the shared server, with its own prefix.</summary>
internal static class ScenarioStore
{
    /// <summary>The number of seeds for each crash test. The tests of the core play more of them.</summary>
    public const int CrashSeeds = 8;

    /// <summary>Whether a process dies at each call before, inside and after it, or at one of these moments in turn.</summary>
    public static bool PlaysAllMoments => false;

    public static async ValueTask<IStreamStore> OpenAsync(TimeProvider? time = null)
    {
        var options = new RedisStoreOptions { Prefix = SharedServer.NewPrefix() };
        return await RedisStreamStore.ConnectAsync(SharedServer.Current.Address, time is null ? options
            : options with { Time = time, ServerTime = () => time.GetUtcNow() });
    }
}
