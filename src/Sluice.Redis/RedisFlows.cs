namespace Sluice.Redis;

/// <summary>Flows over a Redis server, which many services share.</summary>
public static class RedisFlows
{
    /// <summary>Uses a store on a Redis server; it is connected to when the service starts.</summary>
    /// <param name="options">The options of the service.</param>
    /// <param name="connection">For example <c>localhost:6379,password=…</c> (<see cref="RedisStreamStore.ConnectAsync"/>).</param>
    /// <param name="store">How the store is opened.</param>
    /// <exception cref="ArgumentException">It is no connection string.</exception>
    public static SluiceOptions UseRedis(this SluiceOptions options, string connection, RedisStoreOptions? store = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ServerAddress.Parse(connection).Complete(store ?? new());        // what is wrong with it is said here, not when the service starts
        return options.UseStore(async cancellation => await RedisStreamStore.ConnectAsync(connection, store, cancellation).ConfigureAwait(false));
    }
}
