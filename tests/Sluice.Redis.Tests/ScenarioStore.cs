using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>The store that scenarios of consecutors are played over: on the server that all tests share, under a prefix of its
/// own.</summary>
internal static class ScenarioStore
{
    /// <summary>How many seeds a test of crashes plays: more of them in the tests of the core.</summary>
    public const int CrashSeeds = 12;

    public static async ValueTask<IStreamStore> OpenAsync(TimeProvider? time = null)
    {
        var options = new RedisStoreOptions { Prefix = SharedServer.NewPrefix() };
        return await RedisStreamStore.ConnectAsync(SharedServer.Current.Address, time is null ? options
            : options with { Time = time, ServerTime = () => time.GetUtcNow() });
    }
}
