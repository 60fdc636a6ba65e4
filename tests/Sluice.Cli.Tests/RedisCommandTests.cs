using System.Text.Json;
using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;
using StackExchange.Redis;

namespace Sluice.Cli.Tests;

/// <summary>The commands over a Redis server with a password, which this process uses at the same time.</summary>
public sealed class RedisCommandTests : CliTestBase
{
    private const string Password = "very-secret";

    [Fact]
    public async Task LettersAreRedrivenWhileTheConsecutorRuns()
    {
        await using RedisServer server = await RedisServer.StartAsync("--requirepass", Password);
        string address = $"{server.Address},password={Password}";
        await File.WriteAllTextAsync(Path.Combine(Folder, "sluice.json"),
            JsonSerializer.Serialize(new { stores = new { shop = $"redis:{address}" } }), Cancellation);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(address, null, Cancellation);
        await using Consecutor<string> orders = Orders(store);
        await orders.StartAsync(Cancellation);
        foreach (string item in (string[])["12", "twelve", "ten"]) await orders.SendAsync(item, Cancellation);
        await orders.WaitForIdleAsync(Cancellation);

        Assert.Equal(["orders", "consecutor"], [.. Words((await RunAsync("streams", "shop")).Succeeded().Output.Split('\n')[1])[..2]]);
        Assert.Equal(2, (await RunJsonAsync("dead", "shop")).GetArrayLength());
        Assert.Equal("1 letter redriven\n", (await RunAsync("redrive", "shop", "orders", "--error", "'ten'")).Succeeded().Output);
        // The consecutor may not know yet what another process has redriven; the item dies again.
        while ((await store.ListDeadAsync(new("orders", "orders"), null, 0, 10, Cancellation)).Count < 2) await Task.Yield();
        await orders.WaitForIdleAsync(Cancellation);
        Assert.Equal("2 letters discarded\n", (await RunAsync("discard", "shop", "orders", "--all")).Succeeded().Output);

        JsonElement member = Assert.Single((await RunJsonAsync("members", "shop", "--now")).EnumerateArray());
        Assert.Equal(("unknown", 2), (member.GetProperty("status").GetString(), member.GetProperty("partitions").GetInt32()));
        Assert.EndsWith("no damage\n", (await RunAsync("check", "shop")).Succeeded().Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("streams")]
    [InlineData("check")]
    [InlineData("redrive", "orders", "--all")]
    public async Task AMissingStoreIsNotMade(string command, params string[] rest)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        for (int i = 0; i < 2; i++)
            Assert.Contains($"There is no store with the prefix 'shpo' at {server.Address}",
                await MistakeAsync(3, [command, $"redis:{server.Address},prefix=shpo", .. rest]), StringComparison.Ordinal);
    }

    /// <remarks>The dashboard refuses it, because its audit is an entry, and advises these commands.</remarks>
    [Fact]
    public async Task LettersOfAServerWithAFullMemoryAreDiscarded()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        string store = $"redis:{server.Address}";
        await using (RedisStreamStore service = await RedisStreamStore.ConnectAsync(server.Address, null, Cancellation))
            await FillAsync(service, "one", "two");
        using ConnectionMultiplexer client = await ConnectionMultiplexer.ConnectAsync($"{server.Address},allowAdmin=true");
        await client.GetDatabase().ExecuteAsync("CONFIG", "SET", "maxmemory", "1");

        Assert.Contains("orders is paused", (await RunAsync("pause", store, "orders")).Succeeded().Output, StringComparison.Ordinal);
        Assert.Equal("2 letters discarded\n", (await RunAsync("discard", store, "orders", "--all")).Succeeded().Output);
    }

    [Fact]
    public async Task AMemberIsSeenAlive()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, null, Cancellation);
        await using var orders = new Consecutor<string>("orders", source => source | (_ => { }), new()
        {
            Store = store,
            LeaseDuration = TimeSpan.FromSeconds(3),
            Stream = new() { Partitions = 2 },
        });
        await orders.StartAsync(Cancellation);
        await orders.SendAsync("1", Cancellation);
        JsonElement member = await FindAliveAsync($"redis:{server.Address}");
        Assert.Equal(("alive", 3), (member.GetProperty("status").GetString(), member.GetProperty("leaseSeconds").GetInt32()));
    }

    [Fact]
    public async Task AServerThatIsNotThereIsOneLineWithoutThePassword()
    {
        string address;
        await using (RedisServer server = await RedisServer.StartAsync("--requirepass", Password))
        {
            address = server.Address;
            string wrong = await MistakeAsync(3, "streams", $"redis:{address},password=other-secret");
            Assert.DoesNotContain("other-secret", wrong, StringComparison.Ordinal);
        }
        string gone = await MistakeAsync(3, "streams", $"redis:{address},password={Password}");
        Assert.DoesNotContain(Password, gone, StringComparison.Ordinal);
        Assert.Contains(address, gone, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("show", "--follow")]
    [InlineData("members", null)]
    public async Task AServerThatIsKilledEndsTheCommandWithOneLine(string command, string? option)
    {
        await using RedisServer server = await RedisServer.StartAsync("--requirepass", Password);
        string address = $"{server.Address},password={Password}";
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(address, null, Cancellation);
        await using Consecutor<string> orders = Orders(store);
        await orders.StartAsync(Cancellation);
        string[] arguments = [command, $"redis:{address}", "orders", .. option is null ? [] : (string[])[option]];
        using ConnectionMultiplexer counting = await ConnectionMultiplexer.ConnectAsync(address);
        int clients = await CountClientsAsync();
        using SampleProcess process = Start(arguments);
        if (option is not null) await process.ReadUntilAsync(static line => line.StartsWith("0 appended", StringComparison.Ordinal));
        while (await CountClientsAsync() <= clients) await Task.Yield();
        await server.KillAsync();
        string line = (await process.EndAsync()).OneErrorLine(3, "sluice");
        Assert.DoesNotContain(Password, line, StringComparison.Ordinal);
        await orders.StopAsync(TimeSpan.FromMilliseconds(1));      // without a deadline it waits for the dead server

        async Task<int> CountClientsAsync() => $"{await counting.GetDatabase().ExecuteAsync("CLIENT", "LIST")}".Split('\n').Length;
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
