using Sluice.Tests.Deliveries;

namespace Sluice.Redis.Tests;

/// <summary>A store on a Redis Cluster whose slot moves, and whose master dies. Each test has a cluster of its own.</summary>
public class ClusterTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EachStoreIsOnTheMasterOfItsSlot()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync();
        var owners = new HashSet<RedisServer>();
        for (int i = 0; owners.Count < 3; i++)
        {
            string prefix = $"shop{i}";
            RedisServer owner = await cluster.OwnerAsync(prefix);
            if (!owners.Add(owner)) continue;
            await using RedisStreamStore writer = await RedisStreamStore.ConnectAsync((await cluster.OtherAsync(prefix)).Address, new() { Prefix = prefix, Poll = TimeSpan.FromMinutes(1) }, Cancellation);
            await using RedisStreamStore reader = await RedisStreamStore.ConnectAsync(cluster.Addresses, new() { Prefix = prefix, Poll = TimeSpan.FromMinutes(1) }, Cancellation);
            await writer.PrepareAsync();
            long seen = await reader.WaitForChangeAsync(Rows.Orders, -1, Cancellation);
            await writer.AppendAsync(1, "a");
            while ((await reader.ReadAsync(Rows.Orders)).Length == 0) seen = await reader.WaitForChangeAsync(Rows.Orders, seen, Cancellation);
            Assert.Contains($"{{{prefix}}}:meta", await RedisCluster.TellAsync(owner, "KEYS", "*"));
        }
    }

    // The slot is moved as redis-cli does it, key by key: half of them are on another master when calls come, which wait.
    [Fact]
    public async Task CallsWaitWhileTheSlotIsMoved()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync();
        RedisStoreOptions options = new() { Prefix = "shop", Patience = Patience };
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(cluster.Addresses, options, Cancellation);
        await using RedisStreamStore impatient = await RedisStreamStore.ConnectAsync(cluster.Addresses, options with { Patience = TimeSpan.Zero }, Cancellation);
        await FilledStore.FillAsync(store);
        Task<AppendResult>? appending = null;
        using EntryBatch late = Rows.Batch("late");
        await cluster.MoveSlotAsync("shop", await cluster.OtherAsync("shop"), async () =>
        {
            foreach ((string name, Func<IStreamStore, Task> call) in FilledStore.Calls)
            {
                if (await Record.ExceptionAsync(() => call(impatient)) is not StreamStoreException refused) throw new InvalidOperationException($"{name} was not refused.");
                Assert.Contains("is being moved to another server of the Redis Cluster", refused.Message, StringComparison.Ordinal);
            }
            appending = store.AppendAsync(new(Rows.Orders, "late", 0, 1, late), Cancellation).AsTask();
            Assert.False(appending.IsCompleted);
        });
        Assert.Equal(AppendStatus.Accepted, (await appending!.WaitAsync(Patience, Cancellation)).Status);
        Assert.Empty((await store.CheckAsync(Cancellation)).Problems);
        foreach ((_, Func<IStreamStore, Task> call) in FilledStore.Calls) await call(store);          // as if nothing had been: they would contradict each other otherwise
    }

    [Fact]
    public async Task ConsecutorsDoEachItemOnceWhileTheSlotMovesToAndFro()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(cluster.Addresses, new() { Prefix = "shop" }, Cancellation);
        using var standstill = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        standstill.CancelAfter(Patience);
        Task playing = new RandomChain(1, store).PlayAsync(standstill.Token);
        int moves = 0;
        do await cluster.MoveSlotAsync("shop", await cluster.OtherAsync("shop"));
        while (++moves < 3 || !playing.IsCompleted);
        await playing;
    }

    // A replica takes the place of the store's master, which is killed, or is told to step back; in the end the old one is there again as its replica.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AReplicaTakesTheMastersPlace(bool isKilled)
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync();
        RedisServer first = await cluster.OwnerAsync("shop"), second = await cluster.AddReplicaAsync(first);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(cluster.Addresses, new() { Prefix = "shop", Durability = Durability.Replicated(1), Patience = Patience }, Cancellation);
        await using RedisStreamStore plain = await RedisStreamStore.ConnectAsync(cluster.Addresses, new() { Prefix = "shop", Patience = Patience }, Cancellation);
        await store.PrepareAsync();
        for (int i = 1; i <= 20; i++) await store.AppendAsync(i, $"e{i}");
        if (isKilled) await first.KillAsync();
        else await RedisCluster.TellAsync(second, "CLUSTER", "FAILOVER");
        while (await cluster.OwnerAsync("shop") != second) await Task.Yield();

        Assert.Equal(Enumerable.Range(1, 20).Select(i => $"e{i}"), await plain.ReadAsync(Rows.Orders));
        Assert.Equal(AppendStatus.Accepted, (await plain.AppendAsync(21, "e21")).Status);
        if (isKilled) await first.StartAgainAsync();
        Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(22, "e22")).Status);
    }

    // What the replica had not got is lost, although it was acknowledged: whoever knows of it is told, as with a server and its replica.
    [Fact]
    public async Task LostWritesAreNoticed()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync("--cluster-replica-validity-factor", "0");
        RedisServer first = await cluster.OwnerAsync("shop"), second = await cluster.AddReplicaAsync(first);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(cluster.Addresses, new() { Prefix = "shop", Patience = Patience }, Cancellation);
        await store.PrepareAsync();
        await store.AppendAsync(1, "a");
        await RedisCluster.CaughtUpAsync(first, second);
        await second.PauseAsync();
        await store.AppendAsync(2, "b");
        await store.AppendAsync(3, "c");
        Ownership owner = (await store.TakeAsync(Rows.Main, 0, new("m"), Cancellation)).Ownership;
        await first.KillAsync();
        await second.KillAsync();                    // what it has been sent and has not read goes with it
        await second.StartAgainAsync();

        Assert.Equal(["a"], await store.ReadAsync(Rows.Orders));
        Assert.Equal((AppendStatus.Gap, 1), (await store.AppendAsync(4, "d")) is var gap ? (gap.Status, gap.Last) : default);
        await Assert.ThrowsAsync<StoreWentBackException>(async () => await store.CommitAsync(new(owner, 1) { Settled = [new(1, 1)] }));
        Assert.Equal(2, await store.RaiseGenerationAsync(1, Cancellation));
    }

    [Fact]
    public async Task ConsecutorsDoEachItemOnceWhileMastersDie()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync();
        RedisServer first = await cluster.OwnerAsync("shop"), second = await cluster.AddReplicaAsync(first);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(cluster.Addresses, new() { Prefix = "shop", Durability = Durability.Replicated(1), Patience = Patience }, Cancellation);
        using var standstill = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        standstill.CancelAfter(Patience);
        Task playing = new RandomChain(2, store).PlayAsync(standstill.Token);
        await first.KillAsync();
        while (await cluster.OwnerAsync("shop") != second) await Task.Yield();
        await first.StartAgainAsync();
        await playing;
    }

    [Fact]
    public async Task WhatCannotWorkIsSaid()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync("--requirepass", RedisCluster.Password);
        string address = (await cluster.OwnerAsync("shop")).Address + $",password={RedisCluster.Password}";
        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () => await RedisStreamStore.ConnectAsync(address + ",defaultDatabase=1", cancellation: Cancellation));
        Assert.Contains("is part of a Redis Cluster, which has the database 0 only: leave defaultDatabase=1 out", failure.Message, StringComparison.Ordinal);
        Assert.True(failure.IsPermanent);

        await using RedisServer lone = await RedisServer.StartAsync("--cluster-enabled", "yes");
        failure = await Assert.ThrowsAsync<StreamStoreException>(async () => await RedisStreamStore.ConnectAsync(lone.Address, new() { Prefix = "shop", Patience = TimeSpan.Zero }, Cancellation));
        Assert.Contains($"No server of the Redis Cluster at {lone.Address} serves the slot", failure.Message, StringComparison.Ordinal);
    }
}
