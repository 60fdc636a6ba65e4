using System.Globalization;
using Sluice.Storage;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>The connection of the client is closed or replaced during a call. Each test has its own server.</summary>
public class ReplacedConnectionTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // The test makes the server rewrite its file for a long time. The call polls until the rewrite is done.
    [Fact]
    public async Task ACallThatWaitsForARewriteContinuesOnANewConnection()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal, Cancellation);
        await using RedisStreamStore other = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal, Cancellation);
        await store.PrepareAsync();
        IDatabase first = store.Connection.Database, admin = other.Connection.Database;
        await admin.ExecuteAsync("CONFIG", "SET", "rdb-key-save-delay", "60000000");
        await admin.ExecuteAsync("BGREWRITEAOF");
        await admin.HashDeleteAsync(store.Connection.Meta, "clean");
        Task<AppendResult> appending = store.AppendAsync(1, "a");
        for (long asked = await AskedAsync(), now = asked; now < asked + 3;) now = await AskedAsync();

        first.Multiplexer.Close(allowCommandsToComplete: false);
        while (store.Connection.Database == first && !appending.IsCompleted) await admin.PingAsync();
        Assert.False(appending.IsCompleted);
        await admin.ExecuteAsync("CONFIG", "SET", "appendonly", "no");       // this ends the rewrite

        Assert.Equal(AppendStatus.Accepted, (await appending).Status);

        async Task<long> AskedAsync()
        {
            var info = (string?)await admin.ExecuteAsync("INFO", "commandstats");
            return long.Parse(info!.Split("cmdstat_hget:calls=")[1].Split(',')[0], CultureInfo.InvariantCulture);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AConnectionClosedBeforeACallIsReplaced(bool isRepeatable)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal, Cancellation);
        await store.PrepareAsync();
        store.Connection.Database.Multiplexer.Close(allowCommandsToComplete: false);

        if (isRepeatable) Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(1, "a")).Status);
        // sent once: the epoch is the first one of the group, which is made behind two streams
        else Assert.Equal(StoreRules.NextEpoch(0, 3), (await store.AcquireAsync(Rows.Main, 0, new("m"), Cancellation)).Ownership.Epoch);
    }

    // The answer is lost, and no new connection gets an answer either.
    [Fact]
    public async Task AnUnansweredCallIsReportedAsPossiblyDone()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var proxy = new CuttingProxy(server.Port);
        var brief = TimeSpan.FromSeconds(8);
        RedisStoreOptions options = new() { Timeout = brief, Silence = brief, Longest = TimeSpan.FromSeconds(4) };
        await using (RedisStreamStore patient = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal, Cancellation))
            await patient.PrepareAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address, options, Cancellation);
        proxy.SilentAfterCut = int.MaxValue;
        proxy.CutAtScript("take", Cut.Silence);

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () => await store.AcquireAsync(Rows.Main, 0,
            new("m"), Cancellation));

        Assert.Contains("what was asked may have been done or not", failure.Message, StringComparison.Ordinal);
    }
}
