using Sluice.Storage;
using Sluice.Testing;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>Servers that die, forget, fill up, and connections that are cut. Each test has a server of its own.</summary>
public class FaultTests
{
    [Fact]
    public async Task AServerThatIsKilledAndStartedAgainIsWaitedFor()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address);
        await store.PrepareAsync();
        for (int i = 1; i <= 4; i++)
        {
            await store.AppendAsync(i, $"e{i}");
            await server.KillAsync();
            Task<string[]> reading = store.ReadAsync(Rows.Orders);
            await server.StartAgainAsync();
            if (i % 2 == 0)
            {
                await server.KillAsync();                // twice in a row, perhaps during the repair
                await server.StartAgainAsync();
            }
            Assert.Equal(Enumerable.Range(1, i).Select(n => $"e{n}"), await reading);
        }
    }

    [Fact]
    public async Task AServerThatDoesNotComeBackIsSaidOnce()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, new() { Timeout = TimeSpan.Zero });
        await store.PrepareAsync();
        await server.KillAsync();

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(() => store.AppendAsync(1, "a"));

        Assert.StartsWith($"The Redis server at {server.Address} does not answer", failure.Message, StringComparison.Ordinal);
    }

    // The last transaction of the file is cut in its middle, as a crash may do. The second start shows whether what was written behind it
    // lasts.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatIsWrittenBehindACommitThatWasCutLasts(bool isCleaned)
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address))
        {
            await store.PrepareAsync();
            await store.AppendAsync(1, "a");
            await store.AppendAsync(2, "cut");
        }
        await server.KillAsync();
        server.CutLog(20);
        await server.StartAgainAsync();
        if (!isCleaned) await PretendItIsCleanAsync(server);
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address))
        {
            Assert.Equal(["a"], await store.ReadAsync(Rows.Orders));
            Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(2, "b")).Status);
        }
        await server.KillAsync();
        await server.StartAgainAsync();
        await using RedisStreamStore again = await RedisStreamStore.ConnectAsync(server.Address);
        // The danger is real: otherwise what was cut comes back, in the place of what was acknowledged.
        Assert.Equal(["a", isCleaned ? "b" : "cut"], await again.ReadAsync(Rows.Orders));
    }

    [Theory]
    [InlineData(nameof(Cut.Request))]
    [InlineData(nameof(Cut.Reply))]
    public async Task ACommitWhoseConnectionIsCutIsAppliedOnce(string loses)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var proxy = new CuttingProxy(server.Port);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address);
        await store.PrepareAsync();
        await store.AppendAsync(1, "a");
        using EntryBatch output = Rows.Batch("out");
        StoreCommit commit = await store.WorkAsync(output);
        proxy.CutAtScript("commit", Enum.Parse<Cut>(loses));

        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(commit)).Status);

        Assert.True(proxy.HasCut);
        Assert.Equal(["out"], await store.ReadAsync(Rows.Results));
        Assert.Equal(0, (await store.FindStreamAsync(Rows.Orders))!.Groups[0].Outstanding);
    }

    [Fact]
    public async Task AConnectionThatIsSilentGivesWayToAnother()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var proxy = new CuttingProxy(server.Port);
        // Its clock stands: who waits is woken by a message, or never.
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address,
            new() { Silence = TimeSpan.FromMilliseconds(300), Time = new TestClock() });
        await store.PrepareAsync();
        await store.AppendAsync(1, "a");
        using EntryBatch output = Rows.Batch("out");
        StoreCommit commit = await store.WorkAsync(output);
        proxy.CutAtScript("commit", Cut.Silence);

        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(commit)).Status);

        Assert.True(proxy.HasCut);
        Assert.Equal(["out"], await store.ReadAsync(Rows.Results));
        long seen = await store.WaitForChangeAsync(Rows.Orders, -1, TestContext.Current.CancellationToken);
        await using RedisStreamStore other = await RedisStreamStore.ConnectAsync(server.Address);
        await other.AppendAsync(2, "b");
        while ((await store.ReadAsync(Rows.Orders)).Length == 0)
            seen = await store.WaitForChangeAsync(Rows.Orders, seen, TestContext.Current.CancellationToken);
    }

    // As of a server that dies while the client connects anew: it waits for an answer to its first words.
    [Fact]
    public async Task AConnectionThatIsNotMadeAgainGivesWayToAnother()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var proxy = new CuttingProxy(server.Port);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address,
            new() { Silence = TimeSpan.FromMilliseconds(300) });
        await store.PrepareAsync();
        await store.AppendAsync(1, "a");
        using EntryBatch output = Rows.Batch("out");
        StoreCommit commit = await store.WorkAsync(output);
        proxy.SilentAfterCut = 2;
        proxy.CutAtScript("commit", Cut.Request);

        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(commit)).Status);

        Assert.True(proxy.HasCut);
        Assert.Equal(["out"], await store.ReadAsync(Rows.Results));
    }

    // Calls succeed meanwhile, on a connection of their own.
    [Fact]
    public async Task MessagesThatDoNotComeAnyMoreComeOnAnotherConnection()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var proxy = new CuttingProxy(server.Port);
        TestClock clock = new();
        RedisStoreOptions options = new() { Silence = TimeSpan.FromMilliseconds(300), Time = clock };
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address, options);
        await using RedisStreamStore other = await RedisStreamStore.ConnectAsync(server.Address);
        await store.PrepareAsync();
        IDatabase first = store.Connection.Database;
        proxy.SilentAfterCut = 1;
        await other.Connection.Database.ExecuteAsync("CLIENT", "KILL", "TYPE", "pubsub");

        while (store.Connection.Database == first)
        {
            clock.Advance(options.PollInterval);                // it looks now and then
            await store.ReadAsync(Rows.Orders);
        }

        // From here on its clock stands.
        long seen = await store.WaitForChangeAsync(Rows.Orders, -1, TestContext.Current.CancellationToken);
        await other.AppendAsync(1, "a");
        while ((await store.ReadAsync(Rows.Orders)).Length == 0)
            seen = await store.WaitForChangeAsync(Rows.Orders, seen, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task ACallThatIsUnderWayEndsWithItsStore()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var proxy = new CuttingProxy(server.Port);
        RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address);
        await store.PrepareAsync();
        proxy.CutAtScript("read", Cut.Silence);
        Task<string[]> reading = store.ReadAsync(Rows.Orders);

        await store.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading);
    }

    [Fact]
    public async Task AStoreThatWasFlushedIsNoticedAndBegunAnew()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address);
        await using RedisStreamStore other = await RedisStreamStore.ConnectAsync(server.Address);
        await store.PrepareAsync();
        await store.AppendAsync(1, "a");
        await store.Connection.Database.ExecuteAsync("FLUSHALL");

        foreach (RedisStreamStore one in new[] { store, other })
            Assert.Contains("FLUSHALL", (await Assert.ThrowsAsync<StoreRolledBackException>(() => one.AppendAsync(2, "b"))).Message,
                StringComparison.Ordinal);
        Assert.Equal(2, await store.RaiseGenerationAsync(1));
        Assert.Equal(2, await other.RaiseGenerationAsync(1));
        await store.PrepareAsync();
        Assert.Equal(2, (await other.AppendAsync(1, "b")).First!.Value.Generation);
    }

    [Fact]
    public async Task ANewcomerAfterAFlushCannotUseIdsTwice()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address);
        await store.Connection.Database.ExecuteAsync("FLUSHALL");
        await using RedisStreamStore newcomer = await RedisStreamStore.ConnectAsync(server.Address);
        await newcomer.PrepareAsync();

        await Assert.ThrowsAsync<StoreRolledBackException>(() => store.AppendAsync(1, "a"));
        Assert.Equal(2, await store.RaiseGenerationAsync(1));
        Assert.Equal(2, (await newcomer.AppendAsync(1, "a")).First!.Value.Generation);
    }

    [Fact]
    public async Task ForgottenFunctionsAreLoadedAgain()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address);
        await store.PrepareAsync();
        await store.Connection.Database.ExecuteAsync("FUNCTION", "FLUSH");

        Assert.All(await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => store.AppendAsync(1, "a"))),
            result => Assert.True(result.Status is AppendStatus.Accepted or AppendStatus.Duplicate));
        Assert.Equal(["a"], await store.ReadAsync(Rows.Orders));
    }

    [Fact]
    public async Task AFullMemoryRefusesAppendsAndLetsCommitsMakeRoom()
    {
        await using RedisServer server = await RedisServer.StartAsync("--maxmemory-policy", "noeviction");
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address);
        await store.PrepareAsync();
        string large = new('x', 500_000);
        for (int i = 1; i <= 10; i++) await store.AppendAsync(i, large);
        using EntryBatch output = Rows.Batch("out");
        await store.Connection.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "4mb");
        // Whoever comes to make room opens streams and leases, both to the end.
        await store.OpenStreamAsync("another");
        StoreCommit commit = await store.WorkAsync(output);
        Assert.Equal(new(1, 2), Assert.Single(commit.Settled));

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(() => store.AppendAsync(11, large));
        Assert.Contains("is full (maxmemory): nothing was written", failure.Message, StringComparison.Ordinal);
        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(commit)).Status);
        Assert.Equal(["out"], await store.ReadAsync(Rows.Results));
        await store.Connection.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        Assert.Equal((AppendStatus.Accepted, 11), ((await store.AppendAsync(11, large)) is var result ? result.Status : default,
            result.Last));
    }

    private static async Task PretendItIsCleanAsync(RedisServer server)
    {
        using ConnectionMultiplexer raw = await ConnectionMultiplexer.ConnectAsync(server.Address);
        IDatabase database = raw.GetDatabase();
        ServerInfo info = ServerInfo.Read((string)await database.ExecuteAsync("INFO", "server"));
        await database.HashSetAsync("{sluice}:meta", "clean", info.RunId);
    }
}
