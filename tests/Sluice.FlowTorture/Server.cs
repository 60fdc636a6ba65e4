using Sluice.PostgreSql;
using Sluice.Redis;
using Sluice.Storage;

namespace Sluice.FlowTorture;

/// <summary>The server with the stores of all runs: Redis, where a run has a prefix, or PostgreSQL, where it has a schema.</summary>
/// <remarks>It is disturbed, and recovers: it stands still, or its disk is full, or it is killed and followed by its standby.</remarks>
internal sealed class Server(string name, ServerHandle handle, bool isKilled) : IAsyncDisposable
{
    private const string Postgres = "postgres", Redis = "redis";

    /// <summary>The names of the servers.</summary>
    public static IReadOnlyList<string> Names { get; } = [Redis, Postgres];

    /// <summary>Where services find it.</summary>
    public string Address => $"{name}:{handle.Address}";

    /// <param name="name">The kind of store.</param>
    /// <param name="kind">Null for an ordinary server; see <see cref="ServerHandle"/>.</param>
    public static async Task<Server> StartAsync(string name, string? kind)
        => new(name, await ServerHandle.StartAsync(name, kind), isKilled: kind == ServerHandle.Pair);

    /// <summary>Opens the store of a run.</summary>
    /// <param name="address">An <see cref="Address"/>.</param>
    /// <param name="run">The name of the run.</param>
    /// <param name="patience">For how long the server may not answer; on a busy machine it may answer late.</param>
    public static async Task<IStreamStore> OpenAsync(string address, string run, TimeSpan patience)
    {
        string[] parts = address.Split(':', 2);
        return parts[0] == Redis ? await RedisStreamStore.ConnectAsync(parts[1], new() { Prefix = run, Timeout = patience })
            : await PostgresStreamStore.OpenAsync(parts[1], new PostgresStoreOptions { Schema = run, Timeout = patience });
    }

    /// <summary>The longest time between two disturbances. A new standby takes seconds, and runs need time between.</summary>
    public int MaxPauseMs => isKilled ? 40_000 : 4000;

    public Task PauseAsync() => isKilled ? handle.KillAsync() : handle.PauseAsync();

    public Task ResumeAsync() => isKilled ? handle.StartAgainAsync() : handle.ResumeAsync();

    public ValueTask DisposeAsync() => handle.Owner.DisposeAsync();
}
