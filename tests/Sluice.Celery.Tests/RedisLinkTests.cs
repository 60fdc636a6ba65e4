using System.Net;
using System.Net.Sockets;
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

    [Fact]
    public async Task AServerThatSaysNothingHoldsUpNeitherACancelledCallNorTheEnd()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var link = new RedisLink(BrokerAddress.Parse($"redis://{silent.LocalEndpoint}"), "result backend")
        {
            AnswerTimeout = TimeSpan.FromMinutes(10)
        };
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task<IAsyncDisposable> cancelled = link.ListenAsync("any", static () => { }, end.Token);
        Task waiting = link.AskAsync("PING", [], Cancellation);
        using Socket connected = await silent.AcceptSocketAsync(Cancellation);

        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(Lab.Patience, Cancellation));
        await link.DisposeAsync().AsTask().WaitAsync(Lab.Patience, Cancellation);
        await Assert.ThrowsAsync<BrokerAwayException>(() => waiting.WaitAsync(Lab.Patience, Cancellation));
        await Assert.ThrowsAsync<BrokerAwayException>(() => link.AskAsync("PING", [], Cancellation));
    }

    [Fact]
    public async Task AHostThatIsNotReachedHasItsCause()
    {
        await using var link = new RedisLink(BrokerAddress.Parse($"redis://127.0.0.1:{FreePort.Next()}"), "broker")
        {
            AnswerTimeout = TimeSpan.FromSeconds(1)
        };
        BrokerAwayException away;
        do                                           // on a busy machine, the time may be over before the refusal is seen
            away = await Assert.ThrowsAsync<BrokerAwayException>(() => link.AskAsync("PING", [], Cancellation));
        while (away.Message.EndsWith("cannot be reached.", StringComparison.Ordinal));
        Assert.EndsWith("cannot be reached: UnableToConnect.", away.Message, StringComparison.Ordinal);
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
