using Sluice.PostgreSql;
using Sluice.PostgreSql.Tests;
using Sluice.Redis;
using Sluice.Storage;

namespace Sluice.Torture;

/// <summary>A server of a store, as far as it is killed and frozen.</summary>
internal sealed record ServerHandle(string Address, Func<Task> KillAsync, Func<Task> StartAgainAsync, Func<Task> PauseAsync,
    Func<Task> ResumeAsync, IAsyncDisposable Owner)
{
    /// <summary>The kinds of PostgreSQL servers besides an ordinary one.</summary>
    public const string Disk = "disk", Pair = "pair";

    /// <summary>Starts a server that flushes each answer.</summary>
    /// <param name="store">The kind of store.</param>
    /// <param name="kind"><see cref="Disk"/>, <see cref="Pair"/>, or null for an ordinary server.</param>
    public static async Task<ServerHandle> StartAsync(string store, string? kind = null)
    {
        if (kind == Disk)
        {
            PostgresDisk disk = await PostgresDisk.StartAsync("fsync=on", "max_connections=100");
            return new(disk.Server.Address, disk.Server.KillAsync, disk.Server.StartAgainAsync, disk.FillAsync, disk.FreeAsync, disk);
        }
        if (kind == Pair)
        {
            PostgresPair pair = await PostgresPair.StartAsync();
            return new(pair.Address, pair.KillAsync, pair.FailOverAsync, pair.PauseAsync, pair.ResumeAsync, pair);
        }
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
