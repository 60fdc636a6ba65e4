using Sluice.PostgreSql;
using Sluice.PostgreSql.Tests;
using Sluice.Redis;
using Sluice.Storage;

namespace Sluice.Torture;

/// <summary>A server of a store, as far as it is killed and frozen.</summary>
internal sealed record ServerHandle(string Address, Func<Task> KillAsync, Func<Task> StartAgainAsync, Func<Task> PauseAsync,
    Func<Task> ResumeAsync, IAsyncDisposable Owner)
{
    /// <summary>Starts a server that flushes each answer.</summary>
    public static async Task<ServerHandle> StartAsync(string store)
    {
        if (store == "redis")
        {
            RedisServer redis = await RedisServer.StartAsync("--appendfsync", "always");
            return new(redis.Address, redis.KillAsync, redis.StartAgainAsync, redis.PauseAsync, redis.ResumeAsync, redis);
        }
        PostgresServer postgres = await PostgresServer.StartAsync("fsync=on", "max_connections=100");
        return new(postgres.Address, postgres.KillAsync, postgres.StartAgainAsync, postgres.PauseAsync, postgres.ResumeAsync, postgres);
    }

    /// <summary>Opens the store of a server.</summary>
    public static async ValueTask<IStreamStore> OpenStoreAsync(string address) => address.StartsWith("Host=", StringComparison.Ordinal)
        ? await PostgresStreamStore.OpenAsync(address) : await RedisStreamStore.ConnectAsync(address);
}
