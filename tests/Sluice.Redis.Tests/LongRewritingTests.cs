using Sluice.Storage;

namespace Sluice.Redis.Tests;

/// <summary>A server that was started anew rewrites its append-only file first, which takes minutes if it is large.</summary>
public class LongRewritingTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CallsFailWithinTheirTimeoutAndAskSeldom()
    {
        // For each key, the rewriting waits three seconds.
        await using RedisServer server = await RedisServer.StartAsync("--rdb-key-save-delay", "3000000");
        await using (RedisStreamStore patient = await RedisStreamStore.ConnectAsync(server.Address, Patient.Options, Cancellation))
            for (int stream = 0; stream < 20; stream++)
                await patient.OpenStreamAsync($"stream {stream}", new() { Partitions = 1 }, Cancellation);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            new() { Timeout = TimeSpan.FromSeconds(1) }, Cancellation);
        await server.KillAsync();
        await server.StartAgainAsync();
        string why = "";
        while (!why.Contains("still rewrites its append-only file (BGREWRITEAOF)", StringComparison.Ordinal))
            why = (await Assert.ThrowsAsync<StreamStoreException>(async () => await store.OpenStreamAsync("another", null, Cancellation)))
                .Message;                            // before that, the connection may have to be made anew
        await Assert.ThrowsAsync<StreamStoreException>(async () => await store.OpenStreamAsync("another", null, Cancellation));
        string stats = await RawClient.AskAsync(server.Port, "", "INFO", "commandstats");
        Assert.Contains("cmdstat_bgrewriteaof:calls=1,", stats, StringComparison.Ordinal);
    }
}
