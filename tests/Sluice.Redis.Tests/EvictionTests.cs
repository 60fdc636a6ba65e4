using Sluice.Storage;

namespace Sluice.Redis.Tests;

/// <summary>A store refuses a server that may delete acknowledged entries.</summary>
public class EvictionTests
{
    [Theory]
    [InlineData("allkeys-lru")]
    [InlineData("volatile-ttl")]
    public async Task AServerThatEvictsIsRefused(string policy)
    {
        await using RedisServer server = await RedisServer.StartAsync("--maxmemory", "100mb", "--maxmemory-policy", policy);

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync(server.Address));

        Assert.Equal(
            $"The server at {server.Address} deletes keys when its memory is full (maxmemory-policy {policy}), acknowledged entries too. "
                + $"Set maxmemory-policy noeviction, or accept the loss (RedisStoreOptions.AllowEviction, or allowEviction=true in the "
                + "connection string).", failure.Message);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, new() { AllowEviction = true });
        await store.PrepareAsync();
    }

    /// <remarks>Settings and command lines name a store by its connection string only.</remarks>
    [Fact]
    public async Task TheConnectionStringMayAcceptEviction()
    {
        await using RedisServer server = await RedisServer.StartAsync("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru");

        await (await StreamStores.OpenAsync($"redis:{server.Address},allowEviction=true")).DisposeAsync();
        await (await StreamStores.OpenReadOnlyAsync($"redis:{server.Address}, AllowEviction=True")).DisposeAsync();
        await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync($"{server.Address},allowEviction=false", new() { AllowEviction = true }));
        ArgumentException wrong = await Assert.ThrowsAsync<ArgumentException>(async () =>
            await RedisStreamStore.ConnectAsync($"{server.Address},allowEviction=secret"));
        Assert.Equal("The connection string for Redis has the option allowEviction with another value than true or false. "
            + "(Parameter 'connection')", wrong.Message);
    }

    [Fact]
    public async Task AChangedEvictionPolicyIsDetectedOnReconnect()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address);
        await using RedisStreamStore other = await RedisStreamStore.ConnectAsync(server.Address, new() { AllowEviction = true });
        await store.PrepareAsync();
        await other.Connection.Database.ExecuteAsync("CONFIG", "SET", "maxmemory-policy", "allkeys-random");
        await store.AppendAsync(1, "a");                 // the store does not notice it while the connection lasts
        await other.Connection.Database.ExecuteAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");

        Task<AppendResult> Again() => store.AppendAsync(2, "b");
        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(Again);
        Assert.Contains("maxmemory-policy allkeys-random", failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StreamStoreException>(Again);
        await other.Connection.Database.ExecuteAsync("CONFIG", "SET", "maxmemory-policy", "noeviction");
        await Again(); // the first append may have been written before the check; this one is then a duplicate
        Assert.Equal(["a", "b"], await store.ReadAsync(Rows.Orders));
    }
}
