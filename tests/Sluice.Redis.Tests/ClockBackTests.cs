using Sluice.Storage;

namespace Sluice.Redis.Tests;

/// <summary>Servers whose clocks differ, one after the other: a failover, and the way back.</summary>
public class ClockBackTests(SharedServer server)
{
    [Fact]
    public async Task AClockThatGoesBackAndForthDoesNotMoveTheTimeAhead()
    {
        DateTimeOffset begun = DateTimeOffset.UtcNow;
        DateTimeOffset clock = begun;
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            new() { Prefix = SharedServer.NewPrefix(), ServerTime = () => clock });
        await store.PrepareAsync();
        Assert.Equal(AppendStatus.Accepted, await PayAsync());

        clock = begun - TimeSpan.FromHours(2);
        Assert.Equal(AppendStatus.Duplicate, await PayAsync());
        Assert.InRange(await store.GetTimeAsync(), begun - TimeSpan.FromSeconds(1), begun + TimeSpan.FromSeconds(1));
        clock += TimeSpan.FromSeconds(30);           // the time goes on from where it was
        await store.AppendAsync(1, "a");
        Assert.InRange(await store.GetTimeAsync(), begun + TimeSpan.FromSeconds(29), begun + TimeSpan.FromSeconds(31));

        clock = begun + TimeSpan.FromMinutes(1);
        Assert.Equal(AppendStatus.Duplicate, await PayAsync());
        Assert.InRange(await store.GetTimeAsync(), begun + TimeSpan.FromSeconds(59), begun + TimeSpan.FromSeconds(61));
        clock = begun + TimeSpan.FromMinutes(61);
        Assert.Equal(AppendStatus.Accepted, await PayAsync());

        Task<AppendStatus> PayAsync() => ClockBackTests.PayAsync(store);
    }

    [Theory]
    [InlineData(3600)]                               // so many seconds behind the time that is right
    [InlineData(2)]
    [InlineData(90)]
    public async Task AClockThatIsPutForwardInPartDoesNotMoveTheTimeAhead(int behind)
    {
        DateTimeOffset begun = DateTimeOffset.UtcNow;
        DateTimeOffset clock = begun;
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            new() { Prefix = SharedServer.NewPrefix(), ServerTime = () => clock });
        await store.PrepareAsync();
        Assert.Equal(AppendStatus.Accepted, await PayAsync(store));
        clock = begun - TimeSpan.FromHours(2);
        Assert.Equal(AppendStatus.Duplicate, await PayAsync(store));
        for (int call = 0; call < 6; call++)         // without a write, the time goes on
        {
            clock += TimeSpan.FromSeconds(30);
            await store.GetTimeAsync();
        }
        DateTimeOffset right = begun + TimeSpan.FromMinutes(3);
        Assert.InRange(await store.GetTimeAsync(), right - TimeSpan.FromSeconds(1), right + TimeSpan.FromSeconds(1));

        clock = right - TimeSpan.FromSeconds(behind);
        Assert.Equal(AppendStatus.Duplicate, await PayAsync(store));
        Assert.InRange(await store.GetTimeAsync(), right - TimeSpan.FromSeconds(1), right + TimeSpan.FromSeconds(61));
        right = await store.GetTimeAsync();
        for (int call = 0; call < 3 && behind == 3600; call++)       // calls that are rare: the time goes on, a minute each
        {
            clock += TimeSpan.FromMinutes(2);
            right += TimeSpan.FromMinutes(1);
            Assert.InRange(await store.GetTimeAsync(), right - TimeSpan.FromSeconds(1), right + TimeSpan.FromSeconds(1));
        }
        clock += TimeSpan.FromSeconds(20);
        // A clock that is hardly behind has overtaken the stored time meanwhile.
        Assert.InRange(await store.GetTimeAsync(), right + TimeSpan.FromSeconds(17), right + TimeSpan.FromSeconds(21));
    }

    private static async Task<AppendStatus> PayAsync(RedisStreamStore store)
    {
        using EntryBatch batch = Rows.Batch("payment");
        return (await store.AppendAsync(new(Rows.Orders, "key-1", 0, 1, batch) { ForgetAfter = TimeSpan.FromHours(1) })).Status;
    }
}
