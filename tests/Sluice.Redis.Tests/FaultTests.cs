using Sluice.Storage;
using Sluice.Testing;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>Servers that die, lose data or fill up, and connections that are cut. Each test has its own server.</summary>
public class FaultTests
{
    [Fact]
    public async Task CallsWaitForAServerThatRestarts()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            new() { Timeout = TimeSpan.FromMinutes(1) });
        await store.PrepareAsync();
        for (int i = 1; i <= 4; i++)
        {
            await store.AppendAsync(i, $"e{i}");
            await server.KillAsync();
            Task<string[]> reading = store.ReadAsync(Rows.Orders);
            await server.StartAgainAsync();
            if (i % 2 == 0)
            {
                await server.KillAsync();                // killed twice in a row, perhaps during the repair
                await server.StartAgainAsync();
            }
            Assert.Equal(Enumerable.Range(1, i).Select(n => $"e{n}"), await reading);
        }
    }

    [Fact]
    public async Task AServerThatDoesNotComeBackIsReported()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            Patient.Options with { Timeout = TimeSpan.Zero });
        await store.PrepareAsync();
        await server.KillAsync();

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(() => store.AppendAsync(1, "a"));

        Assert.StartsWith($"The Redis server at {server.Address} does not answer", failure.Message, StringComparison.Ordinal);
    }

    // Truncates the last transaction of the append-only file, as a crash may do. The second start shows whether later writes last.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task EntriesWrittenAfterATruncatedCommitLast(bool isCleaned)
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal))
        {
            await store.PrepareAsync();
            await store.AppendAsync(1, "a");
            await store.AppendAsync(2, "cut");
        }
        await server.KillAsync();
        server.CutLog(20);
        await server.StartAgainAsync();
        if (!isCleaned) await PretendItIsCleanAsync(server);
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal))
        {
            Assert.Equal(["a"], await store.ReadAsync(Rows.Orders));
            Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(2, "b")).Status);
        }
        await server.KillAsync();
        await server.StartAgainAsync();
        await using RedisStreamStore again = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal);
        // Without the repair, the truncated entry comes back in the place of an acknowledged one.
        Assert.Equal(["a", isCleaned ? "b" : "cut"], await again.ReadAsync(Rows.Orders));
    }

    [Theory]
    [InlineData(nameof(Cut.Request))]
    [InlineData(nameof(Cut.Reply))]
    public async Task ACommitWhoseConnectionIsCutIsAppliedOnce(string loses)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var proxy = new CuttingProxy(server.Port);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address, Patient.Mortal);
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
    public async Task ASilentConnectionIsReplaced()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var proxy = new CuttingProxy(server.Port);
        // The clock of the store stands still, so only a message can wake the reader.
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address,
            Patient.Mortal with { Silence = TimeSpan.FromMilliseconds(300), Time = new TestClock() });
        await store.PrepareAsync();
        await store.AppendAsync(1, "a");
        using EntryBatch output = Rows.Batch("out");
        StoreCommit commit = await store.WorkAsync(output);
        proxy.CutAtScript("commit", Cut.Silence);

        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(commit)).Status);

        Assert.True(proxy.HasCut);
        Assert.Equal(["out"], await store.ReadAsync(Rows.Results));
        long seen = await store.WaitForChangeAsync(Rows.Orders, -1, TestContext.Current.CancellationToken);
        await using RedisStreamStore other = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal);
        await other.AppendAsync(2, "b");
        while ((await store.ReadAsync(Rows.Orders)).Length == 0)
            seen = await store.WaitForChangeAsync(Rows.Orders, seen, TestContext.Current.CancellationToken);
    }

    // The server accepts the new connection but does not answer, as one that dies during the handshake.
    [Fact]
    public async Task AConnectionThatCannotReconnectIsReplaced()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var proxy = new CuttingProxy(server.Port);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address,
            Patient.Mortal with { Silence = TimeSpan.FromMilliseconds(300) });
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

    // Calls use another connection and succeed meanwhile.
    [Fact]
    public async Task ASilentSubscriptionIsReplaced()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var proxy = new CuttingProxy(server.Port);
        TestClock clock = new();
        RedisStoreOptions options = Patient.Mortal with { Silence = TimeSpan.FromMilliseconds(300), Time = clock };
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address, options);
        await using RedisStreamStore other = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal);
        await store.PrepareAsync();
        await store.WaitForChangeAsync(Rows.Orders, -1, TestContext.Current.CancellationToken);      // subscribes
        IDatabase first = store.Connection.Database;
        proxy.SilentAfterCut = 1;
        await other.Connection.Database.ExecuteAsync("CLIENT", "KILL", "TYPE", "pubsub");

        while (store.Connection.Database == first)
        {
            clock.Advance(options.PollInterval);                // the store checks at each poll
            await store.ReadAsync(Rows.Orders);
        }

        // From here on the clock of the store stands still.
        long seen = await store.WaitForChangeAsync(Rows.Orders, -1, TestContext.Current.CancellationToken);
        await other.AppendAsync(1, "a");
        string[] read;
        while ((read = await store.ReadAsync(Rows.Orders)).Length == 0)
            seen = await store.WaitForChangeAsync(Rows.Orders, seen, TestContext.Current.CancellationToken);
        Assert.Equal(["a"], read);
    }

    [Fact]
    public async Task DisposingTheStoreEndsACallInProgress()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var proxy = new CuttingProxy(server.Port);
        RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address, Patient.Mortal);
        await store.PrepareAsync();
        proxy.CutAtScript("read", Cut.Silence);
        Task<string[]> reading = store.ReadAsync(Rows.Orders);

        await store.DisposeAsync();

        string error = (await Assert.ThrowsAsync<ObjectDisposedException>(() => reading)).Message;
        Assert.StartsWith($"The store at {proxy.Address} was disposed, and takes no more calls. Dispose it last", error,
            StringComparison.Ordinal);
        Assert.Equal(error, (await Assert.ThrowsAsync<ObjectDisposedException>(() => store.ReadAsync(Rows.Orders))).Message);
    }

    [Fact]
    public async Task AFlushedStoreIsDetectedAndStartsANewGeneration()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal);
        await using RedisStreamStore other = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal);
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

    /// <summary>As an answer of the generation before that comes after the one of the raise.</summary>
    [Fact]
    public async Task AnAnswerOfAnEarlierGenerationDoesNotLowerTheGeneration()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal);
        await store.PrepareAsync();
        Assert.Equal(2, await store.RaiseGenerationAsync(1));
        await store.Connection.Database.HashSetAsync(store.Connection.Meta, "generation", 1);
        await store.AppendAsync(1, "a");
        Assert.Equal(2, store.Generation);
        Assert.Equal(2, await store.RaiseGenerationAsync(1));
        Assert.Equal(3, await store.RaiseGenerationAsync(2));
        Assert.Equal(3, store.Generation);
    }

    [Fact]
    public async Task AStoreOpenedAfterAFlushDoesNotReuseIds()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal);
        await store.Connection.Database.ExecuteAsync("FLUSHALL");
        await using RedisStreamStore newcomer = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal);
        await newcomer.PrepareAsync();

        await Assert.ThrowsAsync<StoreRolledBackException>(() => store.AppendAsync(1, "a"));
        Assert.Equal(2, await store.RaiseGenerationAsync(1));
        Assert.Equal(2, (await newcomer.AppendAsync(1, "a")).First!.Value.Generation);
    }

    [Fact]
    public async Task FlushedServerFunctionsAreLoadedAgain()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal);
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
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal);
        await store.PrepareAsync();
        string large = new('x', 500_000);
        for (int i = 1; i <= 10; i++) await store.AppendAsync(i, large);
        using EntryBatch output = Rows.Batch("out");
        await store.Connection.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "4mb");
        // Opening streams and leasing also work while the memory is full: a consecutor needs them to make room.
        await store.OpenStreamAsync("another");
        StoreCommit commit = await store.WorkAsync(output);
        Assert.Equal(new(1, 2), Assert.Single(commit.Settled));

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(() => store.AppendAsync(11, large));
        Assert.Contains("is full (maxmemory): nothing was written", failure.Message, StringComparison.Ordinal);
        // As after a restart of the server.
        await store.Connection.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        await store.Connection.Database.HashSetAsync(store.Connection.Meta, "clean", new string('0', 40));
        await store.Connection.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "4mb");
        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(commit)).Status);
        Assert.Equal(["out"], await store.ReadAsync(Rows.Results));
        await using (RedisStreamStore second = await RedisStreamStore.ConnectAsync(server.Address, Patient.Mortal))
            Assert.Equal(["out"], await second.ReadAsync(Rows.Results));

        // As the first process of a new version finds it.
        await store.Connection.Database.ExecuteAsync("FUNCTION", "FLUSH");
        failure = await Assert.ThrowsAsync<StreamStoreException>(async () => await RedisStreamStore.ConnectAsync(server.Address));
        Assert.Contains("is full (maxmemory), and lacks the functions of this version of Sluice", failure.Message,
            StringComparison.Ordinal);
        await store.Connection.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        Assert.Equal((AppendStatus.Accepted, 11), ((await store.AppendAsync(11, large)) is var result ? result.Status : default,
            result.Last));
    }

    private static async Task PretendItIsCleanAsync(RedisServer server)
    {
        using ConnectionMultiplexer raw = await ConnectionMultiplexer.ConnectAsync(server.Admin);
        IDatabase database = raw.GetDatabase();
        ServerInfo info = ServerInfo.Read((string?)await database.ExecuteAsync("INFO", "server"));
        await database.HashSetAsync("{sluice}:meta", "clean", info.RunId);
    }
}
