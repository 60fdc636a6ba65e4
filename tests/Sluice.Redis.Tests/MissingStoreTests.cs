using Sluice.Storage;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>Who looks for a store where none is, for example because of a mistyped prefix, changes nothing on the server.</summary>
public class MissingStoreTests
{
    [Fact]
    public async Task ALookAtAMissingStoreWritesNothing()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await server.KillAsync();
        await server.StartAgainAsync();              // a service would rewrite the append-only file

        foreach (var open in (Func<string, CancellationToken, ValueTask<IStreamStore>>[])[StreamStores.OpenReadOnlyAsync,
            StreamStores.OpenToChangeAsync])
        {
            StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
                await open($"redis:{server.Address},defaultDatabase=1,prefix=shpo", default));
            Assert.Equal($"There is no store with the prefix 'shpo' at {server.Address}, database 1: is that its server, its database "
                + "(defaultDatabase=…) and its prefix (prefix=…)? A service makes the store when it opens it.", failure.Message);
            Assert.True(failure.IsPermanent);
        }
        await using ConnectionMultiplexer client = await ConnectionMultiplexer.ConnectAsync(server.Admin);
        IDatabase database = client.GetDatabase();
        Assert.Equal("", $"{await database.ExecuteAsync("INFO", "keyspace")}".Replace("# Keyspace", "", StringComparison.Ordinal).Trim());
        Assert.Empty((RedisResult[])(await database.ExecuteAsync("FUNCTION", "LIST"))!);
        Assert.Contains("aof_rewrites:0\r\n", $"{await database.ExecuteAsync("INFO", "persistence")}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStoreThatAServiceHasMadeIsOpened()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        string store = $"redis:{server.Address},prefix=shop";
        await using (IStreamStore service = await StreamStores.OpenAsync(store))
            await service.OpenStreamAsync("orders", new());

        await using IStreamStore looking = await StreamStores.OpenReadOnlyAsync(store);
        await using IStreamStore changing = await StreamStores.OpenToChangeAsync(store);
        Assert.Equal(["orders"], await looking.ListStreamsAsync(""));
        Assert.Equal(["orders"], await changing.ListStreamsAsync(""));
    }
}
