using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>The store for scenarios of consecutors: on the shared server, with its own prefix.</summary>
internal static class ScenarioStore
{
    /// <summary>Of how many deaths of a process, or seeds, one is played: the faster the store, the more. No multiple of three, so that
    /// a process dies before, inside and after calls. <c>SLUICE_SHARE=1</c> plays all.</summary>
    public static int Share { get; } = int.Parse(Environment.GetEnvironmentVariable("SLUICE_SHARE") ?? "20");

    public static async ValueTask<IStreamStore> OpenAsync(TimeProvider? time = null)
    {
        RedisStoreOptions options = Patient.Options with { Prefix = SharedServer.NewPrefix() };
        return await RedisStreamStore.ConnectAsync(SharedServer.Current.Address, time is null ? options
            : options with { Time = time, ServerTime = () => time.GetUtcNow() });
    }
}
