using System.Collections.Concurrent;
using Sluice.Storage;

namespace Sluice.Redis.Tests;

/// <summary>A server, and a replica that takes over from it.</summary>
public sealed class ReplicaTests : IAsyncLifetime
{
    private ServerPair servers = null!;

    public async ValueTask InitializeAsync() => servers = await ServerPair.StartAsync();

    public ValueTask DisposeAsync() => servers.DisposeAsync();

    [Fact]
    public async Task EntriesConfirmedByReplicasSurviveAFailover()
    {
        await using RedisStreamStore store = await ConnectAsync();
        await store.PrepareAsync();
        for (int i = 1; i <= 20; i++) await store.AppendAsync(i, $"e{i}");
        await servers.First.KillAsync();
        await servers.PromoteAsync();

        Assert.Equal(Enumerable.Range(1, 20).Select(i => $"e{i}"), await store.ReadAsync(Rows.Orders));
        await using RedisStreamStore alone = await RedisStreamStore.ConnectAsync(servers.Second.Address, Patient.Mortal);
        Assert.Equal(AppendStatus.Accepted, (await alone.AppendAsync(21, "e21")).Status);
    }

    [Fact]
    public async Task AnAppendThatNoReplicaConfirmsFails()
    {
        await using RedisStreamStore patient = await ConnectAsync();
        await patient.PrepareAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(servers.Addresses,
            Patient.Options with { Durability = Durability.Replicated(1), Timeout = TimeSpan.FromSeconds(8) });
        await servers.Second.KillAsync();

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(() => store.AppendAsync(1, "a"));
        Assert.Contains("0 of 1 replicas only have confirmed it", failure.Message, StringComparison.Ordinal);
        await servers.Second.StartAgainAsync();
        await servers.ConnectedAsync();
        Assert.Equal(AppendStatus.Duplicate, (await patient.AppendAsync(1, "a")).Status);
    }

    [Fact]
    public async Task AConnectionClosedWhileAwaitingAReplicaIsReplaced()
    {
        await using RedisStreamStore store = await ConnectAsync();
        await using RedisStreamStore plain = await RedisStreamStore.ConnectAsync(servers.First.Address, Patient.Mortal);
        await store.PrepareAsync();
        await servers.Second.KillAsync();
        Task<AppendResult> appending = store.AppendAsync(1, "a");
        while ((await plain.FindStreamAsync(Rows.Orders))!.Items == 0) await Task.Yield();

        store.Connection.Database.Multiplexer.Close(allowCommandsToComplete: false);
        await servers.Second.StartAgainAsync();

        Assert.Equal(1, (await appending).Last);
    }

    // On Redis 7.2 and newer, WAIT of a connection that has written nothing is confirmed by all replicas.
    [Fact]
    public async Task ARepeatedAppendIsConfirmedByReplicasThatHaveIt()
    {
        await using var proxy = new WaitProxy(servers.First.Port);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address,
            Patient.Options with { Durability = Durability.Replicated(1) });
        await store.PrepareAsync();
        await servers.Second.PauseAsync();
        proxy.CutAfter("append");

        Task<AppendResult> appending = store.AppendAsync(1, "a");

        Assert.True(await proxy.WaitsAfterCut.WaitAsync(TestContext.Current.CancellationToken));
        Assert.False(appending.IsCompleted);
        await servers.Second.ResumeAsync();
        Assert.Equal(AppendStatus.Duplicate, (await appending).Status);
    }

    [Fact]
    public async Task EntriesLostInAFailoverAreDetected()
    {
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(servers.Addresses, Patient.Mortal);
        await store.PrepareAsync();
        await using (RedisStreamStore confirmed = await ConnectAsync()) await confirmed.AppendAsync(1, "a");
        await servers.PromoteAsync();        // writes from here on are lost
        await store.AppendAsync(2, "b");
        await store.AppendAsync(3, "c");
        Ownership owner = (await store.AcquireAsync(Rows.Main, 0, new("m"))).Ownership;
        await servers.First.KillAsync();

        Assert.Equal(["a"], await store.ReadAsync(Rows.Orders));
        Assert.Equal((AppendStatus.Gap, 1), (await store.AppendAsync(4, "d")) is var gap ? (gap.Status, gap.Last) : default);
        await Assert.ThrowsAsync<StoreRolledBackException>(async () => await store.ReadAsync(new ReadRequest(Rows.Orders, 0, 4)));
        await Assert.ThrowsAsync<StoreRolledBackException>(async () => await store.CommitAsync(new(owner, 1) { Settled = [new(1, 1)] }));
        Assert.Equal(2, await store.RaiseGenerationAsync(1));
    }

    [Fact]
    public async Task AReplicaSaysSoAtOnce()
    {
        var patient = new RedisStoreOptions { Timeout = TimeSpan.FromHours(1) };
        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync(servers.Second.Address, patient));
        Assert.Equal($"The Redis server at {servers.Second.Address} is a replica: connect to the master.", failure.Message);
        failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await StreamStores.OpenReadOnlyAsync($"redis:{servers.Second.Address}"));
        Assert.Equal($"The Redis server at {servers.Second.Address} is a replica: connect to the master.", failure.Message);

        await servers.First.KillAsync();
        failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync(servers.Addresses, Patient.Options with { Timeout = TimeSpan.Zero }));
        Assert.Equal($"None of the Redis servers at {servers.First.Address}, {servers.Second.Address} that answer is a master. Nothing was "
            + "done.", failure.Message);
    }

    [Fact]
    public async Task AnOldMasterThatComesBackAsAMasterIsNotUsed()
    {
        var warnings = new ConcurrentQueue<string>();
        // A master that does not tell in time what it has is not compared.
        RedisStoreOptions options = Patient.Mortal with { OnWarning = warnings.Enqueue, Question = TimeSpan.FromMinutes(1) };
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(servers.Addresses, options);
        await store.PrepareAsync();
        await store.AppendAsync(1, "a");
        await servers.CaughtUpAsync();
        await servers.First.KillAsync();
        await servers.PromoteAsync();
        await store.AppendAsync(2, "b");
        warnings.Clear();

        await servers.First.StartAgainAsync();
        await store.Connection.Database.ExecuteAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        await store.AppendAsync(3, "c");

        await using (RedisStreamStore fresh = await RedisStreamStore.ConnectAsync(servers.Addresses, options))
            await fresh.AppendAsync(4, "d");
        await using RedisStreamStore second = await RedisStreamStore.ConnectAsync(servers.Second.Address, Patient.Mortal);
        Assert.Equal(["a", "b", "c", "d"], await second.ReadAsync(Rows.Orders));
        Assert.Contains($"The Redis servers at {servers.Second.Address} and {servers.First.Address} are masters at the same time. The "
            + $"store uses {servers.Second.Address}, which has its newest copy. Make the others replicas of it (REPLICAOF), or take them out of the "
            + "connection string: what they accept is lost.", warnings);
    }

    [Fact]
    public async Task OneServerUnderTwoNamesIsNoSecondMaster()
    {
        var warnings = new ConcurrentQueue<string>();
        string port = servers.First.Address[(servers.First.Address.LastIndexOf(':') + 1)..];
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync($"127.0.0.1:{port},localhost:{port}",
            Patient.Options with { OnWarning = warnings.Enqueue });
        await store.PrepareAsync();
        await store.AppendAsync(1, "a");
        Assert.DoesNotContain(warnings, static text => text.Contains("at the same time", StringComparison.Ordinal));
    }

    private async Task<RedisStreamStore> ConnectAsync() => await RedisStreamStore.ConnectAsync(servers.Addresses,
        Patient.Mortal with { Durability = Durability.Replicated(1) });
}
