using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;
using Sluice.Storage;
using StackExchange.Redis;

namespace Sluice.Cli.Tests;

/// <summary>Damage in a Redis store hides what is damaged, and nothing else.</summary>
public sealed class RedisDamageTests : CliTestBase
{
    [Theory]
    [InlineData("streams", "orders")]
    [InlineData("dead", "orders")]
    [InlineData("members --now", "no members")]
    [InlineData("top", "orders")]
    public Task AStreamWhoseKeyHasAnotherTypeHidesNoOther(string command, string shown)
        => HidesNoOtherAsync(static database => database.StringSetAsync("{sluice}:h:prices", "x"), command, shown,
            "sluice: The stream prices is left out: ");

    [Theory]
    [InlineData("members --now", "orders", "sluice: The group prices is left out: ")]
    [InlineData("top", "prices", "sluice: The group prices is damaged: ")]
    public Task AGroupWithADamagedMemberHidesNoOther(string command, string shown, string warning)
        => HidesNoOtherAsync(async database => await database.HashSetAsync(await KeyAsync(database, "m"), "x", "junk"), command, shown,
            warning);

    [Fact]
    public Task ADamagedLetterHidesNoOtherGroup()
        => HidesNoOtherAsync(async database => await database.StreamAddAsync(await KeyAsync(database, "d"), "v", "junk"), "dead", "orders",
            "sluice: The group prices is left out: ");

    private async Task HidesNoOtherAsync(Func<IDatabase, Task> damageAsync, string command, string shown, string warning)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, null, Cancellation);
        await using Consecutor<string> orders = Orders(store), prices = Dying(store, "prices");
        foreach (Consecutor<string> one in (Consecutor<string>[])[orders, prices])
        {
            await one.StartAsync(Cancellation);
            await one.SendAsync("twelve", Cancellation);
            await one.WaitForIdleAsync(Cancellation);
        }
        await prices.StopAsync();
        if (shown == "no members") await orders.StopAsync();
        using ConnectionMultiplexer client = await ConnectionMultiplexer.ConnectAsync(server.Address);
        await damageAsync(client.GetDatabase());
        string[] words = command.Split(' ');
        Ended ended = await RunAsync([words[0], $"redis:{server.Address}", .. words[1..]]);
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains(shown, ended.Output, StringComparison.Ordinal);
        Assert.StartsWith(warning, Assert.Single(ended.Errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

    // The group has its partitions under g:, which exists in any case.
    private static async Task<string> KeyAsync(IDatabase database, string kind)
    {
        var found = (RedisResult[])(await database.ExecuteAsync("KEYS", "{sluice}:g:prices*"))!;
        return ((string)Assert.Single(found)!).Replace(":g:", $":{kind}:", StringComparison.Ordinal);
    }

    private static Consecutor<string> Dying(IStreamStore store, string name)
        => new(name, source => source | (static _ => throw new FormatException("no price")), new()
        {
            Store = store,
            Delivery = DeliveryGuarantee.Replay(0),
            Stream = new() { Partitions = 2 },
            OnWarning = static _ => { },
        });
}
