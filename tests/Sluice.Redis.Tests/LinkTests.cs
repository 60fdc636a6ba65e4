using System.Globalization;
using Sluice.Storage;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>The client's connection is closed, or replaced, while a call is under way. Each test has a server of its own.</summary>
public class LinkTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // The server rewrites its file for as long as the test wants, and the call asks again and again whether it is done.
    [Fact]
    public async Task ACallThatWaitsForARewriteGoesOnOverAnotherConnection()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, cancellation: Cancellation);
        await using RedisStreamStore other = await RedisStreamStore.ConnectAsync(server.Address, cancellation: Cancellation);
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
        await admin.ExecuteAsync("CONFIG", "SET", "appendonly", "no");       // ends the rewrite

        Assert.Equal(AppendStatus.Accepted, (await appending).Status);

        async Task<long> AskedAsync()
        {
            var info = (string)await admin.ExecuteAsync("INFO", "commandstats");
            return long.Parse(info.Split("cmdstat_hget:calls=")[1].Split(',')[0], CultureInfo.InvariantCulture);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AConnectionThatWasClosedUnderACallGivesWayToAnother(bool isRepeatable)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, cancellation: Cancellation);
        await store.PrepareAsync();
        store.Connection.Database.Multiplexer.Close(allowCommandsToComplete: false);

        if (isRepeatable) Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(1, "a")).Status);
        else Assert.Equal(1, (await store.AcquireAsync(Rows.Main, 0, new("m"), Cancellation)).Ownership.Epoch);        // it was not sent
    }

    // Its answer is lost, and then there is no connection to be had, not even in vain.
    [Fact]
    public async Task WhatMayHaveBeenDoneIsSaidAlsoWhereThereIsNoOtherConnection()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var proxy = new CuttingProxy(server.Port);
        var brief = TimeSpan.FromMilliseconds(300);
        RedisStoreOptions options = new() { Timeout = brief, Silence = brief, Longest = TimeSpan.FromSeconds(2) };
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address, options, Cancellation);
        await store.PrepareAsync();
        proxy.SilentAfterCut = int.MaxValue;
        proxy.CutAtScript("take", Cut.Silence);

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () => await store.AcquireAsync(Rows.Main, 0,
            new("m"), Cancellation));

        Assert.Contains("what was asked may have been done or not", failure.Message, StringComparison.Ordinal);
    }
}
