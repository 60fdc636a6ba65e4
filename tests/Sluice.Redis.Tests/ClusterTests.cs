using System.Globalization;
using System.Net;
using Sluice.Storage;
using Sluice.Tests.Delivery;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>A store on a Redis Cluster: its slot moves, or its master dies. Each test has its own cluster.</summary>
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
            await using RedisStreamStore writer = await RedisStreamStore.ConnectAsync((await cluster.OtherAsync(prefix)).Address,
                Patient.Options with { Prefix = prefix, PollInterval = TimeSpan.FromMinutes(1) }, Cancellation);
            await using RedisStreamStore reader = await RedisStreamStore.ConnectAsync(cluster.Addresses,
                Patient.Options with { Prefix = prefix, PollInterval = TimeSpan.FromMinutes(1) }, Cancellation);
            await writer.PrepareAsync();
            long seen = await reader.WaitForChangeAsync(Rows.Orders, -1, Cancellation);
            await writer.AppendAsync(1, "a");
            while ((await reader.ReadAsync(Rows.Orders)).Length == 0)
                seen = await reader.WaitForChangeAsync(Rows.Orders, seen, Cancellation);
            Assert.Contains($"{{{prefix}}}:meta", await RedisCluster.TellAsync(owner, "KEYS", "*"));
        }
    }

    /// <summary>Moves the slot key by key, as redis-cli does. The calls arrive while half of the keys are on another master, and wait. So
    /// they do where INFO has other words for a cluster, as Valkey has.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CallsWaitWhileTheSlotIsMoved(bool isOtherText)
    {
        RedisServer.OfFolder = isOtherText ? await WithOtherTextAsync() : null;
        await using RedisCluster cluster = await RedisCluster.StartAsync();
        RedisStoreOptions options = Patient.Options with { Prefix = "shop" };
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(cluster.Addresses, options, Cancellation);
        await using RedisStreamStore impatient = await RedisStreamStore.ConnectAsync(cluster.Addresses,
            options with { Timeout = TimeSpan.Zero }, Cancellation);
        await FilledStore.FillAsync(store);
        Task<AppendResult>? appending = null;
        using EntryBatch late = Rows.Batch("late");
        await cluster.MoveSlotAsync("shop", await cluster.OtherAsync("shop"), async () =>
        {
            foreach ((string name, Func<IStreamStore, Task> call) in FilledStore.Calls)
            {
                if (await Record.ExceptionAsync(() => call(impatient)) is not StreamStoreException refused)
                    throw new InvalidOperationException($"{name} was not refused.");
                Assert.Contains("is being moved to another server of the Redis Cluster", refused.Message, StringComparison.Ordinal);
            }
            appending = store.AppendAsync(new(Rows.Orders, "late", 0, 1, late), Cancellation).AsTask();
            Assert.False(appending.IsCompleted);
        });
        Assert.Equal(AppendStatus.Accepted, (await appending!.WaitAsync(Patience, Cancellation)).Status);
        Assert.Empty((await store.CheckAsync(Cancellation)).Problems);
        // each call succeeds once more; after a partial call it would not
        foreach ((_, Func<IStreamStore, Task> call) in FilledStore.Calls) await call(store);
        if (RedisServer.OfFolder is { } folder) Directory.Delete(folder, recursive: true);
    }

    /// <summary>Makes a folder with a server whose <c>INFO server</c> does not say <c>redis_mode:cluster</c>.</summary>
    private static async Task<string> WithOtherTextAsync()
    {
        string system = Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(static path => Path.Combine(path, "redis-server"))
            .First(File.Exists);
        byte[] program = await File.ReadAllBytesAsync(system, Cancellation);
        int changed = 0;
        for (int at; (at = program.AsSpan().IndexOf("redis_mode:"u8)) >= 0; changed++) "serve_mode:"u8.CopyTo(program.AsSpan(at));
        Assert.True(changed > 0, $"{system} has another text for its mode.");
        string folder = Directory.CreateTempSubdirectory("sluice-server-").FullName, file = Path.Combine(folder, "redis-server");
        File.Copy(system, file);                     // with its mode
        await File.WriteAllBytesAsync(file, program, Cancellation);
        return folder;
    }

    [Long("CallsWaitWhileTheSlotIsMoved")]
    [Fact]
    public async Task ConsecutorsCompleteEachItemOnceWhileTheSlotMoves()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(cluster.Addresses,
            Patient.Options with { Prefix = "shop" }, Cancellation);
        using var standstill = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        standstill.CancelAfter(Patience);
        Task playing = new RandomChain(1, store).PlayAsync(standstill.Token);
        int moves = 0;
        do await cluster.MoveSlotAsync("shop", await cluster.OtherAsync("shop"));
        while (++moves < 3 || !playing.IsCompleted);
        await playing;
    }

    // A replica takes over from the master of the store, which is killed or steps back. In the end the old master is a replica.
    [Theory]
    [InlineData(true)]
    [InlineData(false, Traits = ["Length", "long"])]
    public async Task AReplicaTakesOverFromTheMaster(bool isKilled)
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync();
        RedisServer first = await cluster.OwnerAsync("shop"), second = await cluster.AddReplicaAsync(first);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(cluster.Addresses,
            new() { Prefix = "shop", Durability = Durability.Replicated(1), Timeout = Patience }, Cancellation);
        await using RedisStreamStore plain = await RedisStreamStore.ConnectAsync(cluster.Addresses,
            new() { Prefix = "shop", Timeout = Patience }, Cancellation);
        await store.PrepareAsync();
        for (int i = 1; i <= 20; i++) await store.AppendAsync(i, $"e{i}");
        if (isKilled) await first.KillAsync();
        else await RedisCluster.TellAsync(second, "CLUSTER", "FAILOVER");
        await cluster.ServesAsync(second, "shop");

        Assert.Equal(Enumerable.Range(1, 20).Select(i => $"e{i}"), await plain.ReadAsync(Rows.Orders));
        Assert.Equal(AppendStatus.Accepted, (await plain.AppendAsync(21, "e21")).Status);
        if (isKilled) await first.StartAgainAsync();
        Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(22, "e22")).Status);
    }

    // Writes that the replica had not received are lost, although they were acknowledged. The users of the store are told, as in
    // ReplicaTests.
    [Long("ReplicaTests")]
    [Fact]
    public async Task LostWritesAreDetected()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync("--cluster-replica-validity-factor", "0");
        RedisServer first = await cluster.OwnerAsync("shop"), second = await cluster.AddReplicaAsync(first);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(cluster.Addresses,
            new() { Prefix = "shop", Timeout = Patience }, Cancellation);
        await store.PrepareAsync();
        await store.AppendAsync(1, "a");
        await RedisCluster.CaughtUpAsync(first, second);
        await second.PauseAsync();
        await store.AppendAsync(2, "b");
        await store.AppendAsync(3, "c");
        Ownership owner = (await store.AcquireAsync(Rows.Main, 0, new("m"), Cancellation)).Ownership;
        await first.KillAsync();
        await second.KillAsync();                    // writes that it has received but not read are lost
        await second.StartAgainAsync();

        Assert.Equal(["a"], await store.ReadAsync(Rows.Orders));
        Assert.Equal((AppendStatus.Gap, 1), (await store.AppendAsync(4, "d")) is var gap ? (gap.Status, gap.Last) : default);
        await Assert.ThrowsAsync<StoreRolledBackException>(async () => await store.CommitAsync(new(owner, 1) { Settled = [new(1, 1)] }));
        Assert.Equal(2, await store.RaiseGenerationAsync(1, Cancellation));
    }

    [Fact]
    public async Task ConsecutorsCompleteEachItemOnceWhenTheMasterDies()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync();
        RedisServer first = await cluster.OwnerAsync("shop"), second = await cluster.AddReplicaAsync(first);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(cluster.Addresses,
            new() { Prefix = "shop", Durability = Durability.Replicated(1), Timeout = Patience }, Cancellation);
        using var standstill = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        standstill.CancelAfter(Patience);
        Task playing = new RandomChain(2, store).PlayAsync(standstill.Token);
        await first.KillAsync();
        await cluster.ServesAsync(second, "shop");
        await first.StartAgainAsync();
        await playing;
    }

    [Fact]
    public async Task AnUnusableClusterIsRefusedWithTheReason()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync("--requirepass", RedisCluster.Password);
        string address = (await cluster.OwnerAsync("shop")).Address + $",password={RedisCluster.Password}";
        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync(address + ",defaultDatabase=1", Patient.Options, Cancellation));
        Assert.Contains("is part of a Redis Cluster, which has the database 0 only: leave defaultDatabase=1 out", failure.Message,
            StringComparison.Ordinal);
        Assert.True(failure.IsPermanent);

        await using RedisServer lone = await RedisServer.StartAsync("--cluster-enabled", "yes", "--cluster-port", "{second port}");
        failure = await Assert.ThrowsAsync<StreamStoreException>(async () => await RedisStreamStore.ConnectAsync(lone.Address,
            Patient.Options with { Prefix = "shop", Timeout = TimeSpan.Zero }, Cancellation));
        Assert.Contains($"No server of the Redis Cluster at {lone.Address} serves the slot", failure.Message, StringComparison.Ordinal);
    }

    // The permissions of docs/operations/redis.md, with those that a cluster needs in addition.
    [Fact]
    public async Task TheDocumentedPermissionsSuffice()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync("--user", "default", "on", $">{RedisCluster.Password}",
            "resetkeys", "~{sluice}:*", "resetchannels", "&{sluice}:*",
            "-@all", "+@read", "+@write", "+@connection", "+@pubsub", "+@scripting", "+info", "+time", "+bgrewriteaof", "+wait",
                "+config|get", "+cluster", "+acl");
        string address = $"{cluster.Addresses},password={RedisCluster.Password}";
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync(address, Patient.Options, Cancellation))
            await store.PrepareAsync();
        foreach (string one in cluster.Addresses.Split(','))
            await RedisCluster.TellAsync(int.Parse(one.Split(':')[1], CultureInfo.InvariantCulture), "ACL", "SETUSER", "default",
                "-cluster");

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync(address, Patient.Options, Cancellation));
        Assert.StartsWith(
            $"The user may not ask the Redis Cluster at {cluster.Addresses.Replace(",", ", ", StringComparison.Ordinal)} where the store "
                + $"is: give the permission for CLUSTER (+cluster).", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AClusterWithCertificatesIsReachedOverTls()
    {
        using var certificate = new TestCertificate();
        await using RedisServer server = await RedisServer.StartAsync("--cluster-enabled", "yes", "--cluster-port", "{third port}",
            "--tls-cluster", "yes", "--tls-port", "{second port}", "--tls-auth-clients", "no", "--requirepass", RedisCluster.Password,
            "--tls-cert-file", certificate.Path, "--tls-key-file", certificate.KeyPath, "--tls-ca-cert-file", certificate.Path);
        await RedisCluster.TellAsync(server.Port, "CLUSTER", "ADDSLOTSRANGE", "0", "16383");
        string address = $"127.0.0.1:{server.SecondPort},ssl=true,sslHost=localhost,password={RedisCluster.Password}";
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(address,
            Patient.Options with { CertificateValidation = certificate.IsTheOne }, Cancellation);
        await store.PrepareAsync();
        await store.AppendAsync(1, "a");
        Assert.Equal(["a"], await store.ReadAsync(Rows.Orders));

        // Events of the client's options cannot be called to ask the cluster.
        ConfigurationOptions servers = ConfigurationOptions.Parse(address);
        servers.CertificateValidation += certificate.IsTheOne;
        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync(servers, cancellation: Cancellation));
        Assert.Contains("Use RedisStoreOptions.CertificateValidation", failure.Message, StringComparison.Ordinal);
        servers.SslClientAuthenticationOptions = host => new()
        {
            TargetHost = host,
            RemoteCertificateValidationCallback = certificate.IsTheOne
        };
        await using RedisStreamStore again = await RedisStreamStore.ConnectAsync(servers, Patient.Options, Cancellation);
        Assert.Equal(["a"], await again.ReadAsync(Rows.Orders));
    }

    [Fact]
    public void TheNodeListOfAClusterIsParsed()
    {
        const string Told = """
            id1 10.0.0.1:7000@17000,one.shop master,fail - 0 0 1 disconnected 0-5460
            id2 10.0.0.2:7001@17001 myself,master - 0 0 7 connected 0-5460 9000 [93->-id1]
            id3 ::1:7002@17002, slave id2 0 0 7 connected
            id4 :0@0 master,noaddr - 0 0 3 disconnected 10923-16383
            id5 10.0.0.5:7005@17005 handshake - 0 0 0 disconnected
            """;
        ClusterNodes nodes = ClusterNodes.Read(Told, new IPEndPoint(IPAddress.Loopback, 1), usesNames: false);
        Assert.Equal(["10.0.0.1:7000", "10.0.0.2:7001", "[::1]:7002"], nodes.All.Select(node => ServerAddress.Text(node.Address)));
        Assert.Equal((7, false), nodes.Owner(9000) is { } owner ? (owner.Epoch, owner.HasFailed) : default);
        Assert.Equal(7, nodes.Owner(5000)?.Epoch);
        Assert.Null(nodes.Owner(93 + 10_000));
        Assert.Equal("one.shop:7000", ServerAddress.Text(ClusterNodes.Read(Told, new IPEndPoint(IPAddress.Loopback, 1), usesNames: true)
            .All[0].Address));
        Assert.Equal("127.0.0.1:7009", ServerAddress.Text(ClusterNodes.Read("id :7009@17009 myself,master - 0 0 1 connected 5",
            new IPEndPoint(IPAddress.Loopback, 7009), usesNames: false).Owner(5)!.Address));
    }
}
