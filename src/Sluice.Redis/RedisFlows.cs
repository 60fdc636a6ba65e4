using Sluice.Flows;

namespace Sluice.Redis;

/// <summary>Configures a Redis store, which many services share.</summary>
public static class RedisFlows
{
    /// <summary>Uses a store on a Redis server. The service connects when it starts.</summary>
    /// <param name="options">The options of the service.</param>
    /// <param name="connection">
    /// The connection string; for example <c>localhost:6379,password=…</c> (<see cref="RedisStreamStore.ConnectAsync"/>).
    /// </param>
    /// <param name="store">The options of the store.</param>
    /// <exception cref="ArgumentException">The connection string or an option is invalid.</exception>
    public static SluiceOptions UseRedis(this SluiceOptions options, string connection, RedisStoreOptions? store = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ServerAddress.Parse(connection).Complete(store ?? new());        // reports an error here, not when the service starts
        return options.UseStore(async cancellation => await RedisStreamStore.ConnectAsync(connection,
            (store ?? new()) with { OnWarning = store?.OnWarning ?? options.OnWarning }, cancellation).ConfigureAwait(false),
            StreamStores.WithoutSecrets($"redis:{connection}"));
    }
}
