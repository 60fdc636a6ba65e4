using StackExchange.Redis;

namespace Sluice.Celery.Tests;

/// <summary>The connection to a Redis server.</summary>
public class RedisLinkTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Otherwise each call of a task during an outage would leave a channel that the client subscribes to for ever.</summary>
    [Fact]
    public async Task AFailedSubscriptionIsForgotten()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using ConnectionMultiplexer admin = await ConnectionMultiplexer.ConnectAsync($"{server.Address},allowAdmin=true");
        IDatabase ask = admin.GetDatabase();
        await ask.ExecuteAsync("ACL", "SETUSER", "task", "on", ">word", "~*", "+@all", "resetchannels");
        await using var link = new RedisLink(BrokerAddress.Parse($"redis://task:word@{server.Address}"), "result backend");
        for (int i = 0; i < 3; i++)
            await Assert.ThrowsAsync<BrokerAwayException>(() => link.ListenAsync($"dead-{i}", static () => { }, Cancellation));

        await ask.ExecuteAsync("ACL", "SETUSER", "task", "allchannels");
        await ask.ExecuteAsync("CLIENT", "KILL", "USER", "task");
        await using IAsyncDisposable listening = await ListenAsync(link, "alive");

        string[] channels = [.. ((RedisResult[])(await ask.ExecuteAsync("PUBSUB", "CHANNELS", "*"))!).Select(static name => $"{name}")];
        Assert.Contains("alive", channels);
        Assert.DoesNotContain(channels, static name => name.StartsWith("dead", StringComparison.Ordinal));
    }

    // The client connects again by itself.
    private static async Task<IAsyncDisposable> ListenAsync(RedisLink link, string channel)
    {
        while (true)
            try
            {
                return await link.ListenAsync(channel, static () => { }, Cancellation);
            }
            catch (BrokerAwayException)
            {
                await Task.Yield();
            }
    }
}
