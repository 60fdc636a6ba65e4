using Sluice.Storage;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>
/// A server has loaded a part of its append-only file only: a store is not made beside what is left, and the file is not rewritten.
/// </summary>
public class TornStoreTests(SharedServer shared)
{
    private const string Allowed = "user shop on >right-secret ~* &* +@all\n";

    [Fact]
    public async Task AStoreWhoseFileWasLoadedInPartIsLeftAsItIs()
    {
        string users = Path.GetTempFileName();
        await File.WriteAllTextAsync(users, Allowed + "user default on nopass ~* &* +@all\n", TestContext.Current.CancellationToken);
        await using RedisServer server = await RedisServer.StartAsync("--aclfile", users);
        string address = $"{server.Address},user=shop,password=right-secret";
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(address);
        await store.PrepareAsync();
        await store.OpenProducerAsync(Rows.Orders, "another");
        await store.AppendAsync(1, "a");
        await store.AppendAsync(2, "b");
        await server.KillAsync();
        // Redis loads transactions with the rights of the default user, and drops those that it may not execute.
        await File.WriteAllTextAsync(users, Allowed + "user default off\n", TestContext.Current.CancellationToken);
        await server.StartAgainAsync();

        string torn = $"The store at {server.Address} is torn: its key {{sluice}}:meta is missing or empty, and other keys of the store";
        await RefusedAsync(torn, async () => await RedisStreamStore.ConnectAsync(address));
        await RefusedAsync(torn, async () => await StreamStores.OpenReadOnlyAsync($"redis:{address}"));
        await RefusedAsync(torn, async () => await store.AppendAsync(3, "c"));
        await RefusedAsync(torn, async () => await store.RaiseGenerationAsync(1));
        await using (ConnectionMultiplexer client = await ConnectionMultiplexer.ConnectAsync(address))
            Assert.Contains("aof_rewrites:0\r\n", $"{await client.GetDatabase().ExecuteAsync("INFO", "persistence")}",
                StringComparison.Ordinal);

        await server.KillAsync();
        await File.WriteAllTextAsync(users, Allowed + "user default off ~* &* +@all\n", TestContext.Current.CancellationToken);
        await server.StartAgainAsync();
        Assert.Equal(["a", "b"], await store.ReadAsync(Rows.Orders));
        Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(3, "c")).Status);
        File.Delete(users);
    }

    [Fact]
    public async Task NoStoreIsMadeBesideKeysOfOne()
    {
        string prefix = SharedServer.NewPrefix(), address = $"{shared.Address},prefix={prefix}";
        await using ConnectionMultiplexer client = await ConnectionMultiplexer.ConnectAsync(shared.Admin);
        RedisKey left = $"{{{prefix}}}:streams";
        await client.GetDatabase().SortedSetAddAsync(left, "orders", 0);

        string torn = $"The store at {shared.Address} is torn: its key {{{prefix}}}:meta is missing or empty, and other keys of the store, "
            + $"such as {left}, are there. Nothing was written.";
        await RefusedAsync(torn, async () => await RedisStreamStore.ConnectAsync(address));
        await RefusedAsync(torn, async () => await StreamStores.OpenReadOnlyAsync($"redis:{address}"));
        Assert.False(await client.GetDatabase().KeyExistsAsync($"{{{prefix}}}:meta"));
        // Where keys may be evicted, the key meta may be one of them.
        await (await RedisStreamStore.ConnectAsync($"{address},allowEviction=true")).DisposeAsync();
        await client.GetDatabase().KeyDeleteAsync([left, $"{{{prefix}}}:meta"]);
        await (await RedisStreamStore.ConnectAsync(address)).DisposeAsync();
    }

    private static async Task RefusedAsync(string words, Func<Task> call)
        => Assert.StartsWith(words, (await Assert.ThrowsAsync<StreamStoreException>(call)).Message, StringComparison.Ordinal);
}
