using Sluice.Flows;
using Sluice.Hosting;

namespace Sluice.Redis;

/// <summary>Configures a Redis store, which many services share.</summary>
public static class RedisFlows
{
    /// <summary>Uses a store on a Redis server. The service connects when it starts.</summary>
    /// <param name="options">The options of the service.</param>
    /// <param name="connection">
    /// The connection string; for example <c>localhost:6379,password=…</c>
    /// (<see cref="RedisStreamStore.ConnectAsync(string, RedisStoreOptions?, CancellationToken)"/>).
    /// </param>
    /// <param name="store">The options of the store.</param>
    /// <exception cref="ArgumentException">The connection string or an option is invalid.</exception>
    public static SluiceOptions UseRedis(this SluiceOptions options, string connection, RedisStoreOptions? store = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ServerAddress address = Check(ServerAddress.Parse(connection), store);
        return options.UseStore(async cancellation => await RedisStreamStore.ConnectAsync(connection, With(options, store), cancellation)
            .ConfigureAwait(false), $"redis:{address}");
    }

    /// <summary>Uses a store on a Redis server, reached with options of the client. The service connects when it starts.</summary>
    /// <param name="options">The options of the service.</param>
    /// <param name="servers">
    /// The servers and how to reach them (<see cref="RedisStreamStore.ConnectAsync(ConfigurationOptions, RedisStoreOptions?,
    /// CancellationToken)"/>). They are copied.
    /// </param>
    /// <param name="store">The options of the store.</param>
    /// <exception cref="ArgumentException">They name no server, or an option is invalid.</exception>
    public static SluiceOptions UseRedis(this SluiceOptions options, ConfigurationOptions servers, RedisStoreOptions? store = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ServerAddress address = Check(ServerAddress.From(servers), store);
        ConfigurationOptions copy = servers.Clone();
        return options.UseStore(async cancellation => await RedisStreamStore.ConnectAsync(copy, With(options, store), cancellation)
            .ConfigureAwait(false), $"redis:{address}");
    }

    // Reports an error here, not when the service starts.
    private static ServerAddress Check(ServerAddress address, RedisStoreOptions? store)
    {
        address.Complete(store ?? new());
        return address;
    }

    private static RedisStoreOptions With(SluiceOptions options, RedisStoreOptions? store)
        => (store ?? new()) with { OnWarning = store?.OnWarning ?? options.OnWarning };
}
