using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Redis.Tests;

/// <summary>Mistakes when connecting: each error is one line and does not show the password.</summary>
public class ConnectingTests(SharedServer server)
{
    [Fact]
    public async Task AnUnreachableServerIsNamed()
    {
        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync("127.0.0.1:1,password=secret,connectTimeout=300", new() { Timeout = TimeSpan.Zero }));

        Assert.Equal("No Redis server answers at 127.0.0.1:1: is it running, and is that its address, and does it want TLS there "
            + "(ssl=true)?", failure.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData(",password=wrong-secret")]
    public async Task AWrongPasswordIsReportedButNotShown(string password)
    {
        await using RedisServer locked = await RedisServer.StartAsync("--requirepass", "right-secret");

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync(locked.Address + password));

        Assert.Equal($"The server at {locked.Address} wants a password, or another one: give it in the connection string (password=…, "
            + "with user=… for a user of the server's ACL).",
            failure.Message);
        Assert.DoesNotContain("secret", failure.ToString(), StringComparison.Ordinal);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync($"{locked.Address},password=right-secret");
        await store.PrepareAsync();
    }

    [Fact]
    public async Task TheDefaultPortIsNamed()
    {
        Assert.Equal("one:6379, 127.0.0.2:6379, two:7000", ServerAddress.Parse("one,127.0.0.2,two:7000").ToString());
        Assert.Equal("one:6380", ServerAddress.Parse("one,ssl=true").ToString());

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync("127.0.0.1:1,ssl=true,connectTimeout=300", new() { Timeout = TimeSpan.Zero }));
        Assert.Equal(
            "No Redis server answers at 127.0.0.1:1: is it running, and is that its address, and does it speak TLS there (ssl=true)?",
                failure.Message);
    }

    /// <summary>Such a server waits for the end of a line, which the start of TLS is not: it never answers.</summary>
    [Fact]
    public async Task AServerWithoutTlsIsReportedWithinTheTimeout()
    {
        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(() => RedisStreamStore.ConnectAsync(
            $"{server.Address},ssl=true", new() { Timeout = TimeSpan.FromSeconds(2) }).AsTask()
            .WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken));
        Assert.Equal($"No Redis server answers at {server.Address}: is it running, and is that its address, and does it speak TLS there "
            + "(ssl=true)?", failure.Message);
    }

    [Fact]
    public async Task AMissingDatabaseIsReported()
    {
        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync($"{server.Address},defaultDatabase=9999"));
        Assert.StartsWith($"The Redis server at {server.Address}, database 9999 cannot be used so: ", failure.Message,
            StringComparison.Ordinal);
        Assert.Contains("9999", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost:6379,pasword=secret")]
    [InlineData("localhost:6379,password=half,secret=")]
    [InlineData("password=secret")]
    [InlineData("localhost:port,password=secret")]
    [InlineData("redis://localhost:6379,password=secret")]
    [InlineData("localhost:6379,defaultDatabase=-1,password=secret")]
    public async Task AnInvalidConnectionStringIsReportedButNotShown(string connection)
    {
        ArgumentException failure = await Assert.ThrowsAsync<ArgumentException>(async () =>
            await RedisStreamStore.ConnectAsync(connection));

        Assert.Contains("connection string for Redis", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1,16399,password=secret", "has the port 16399 behind a comma. It stands behind ':', as in 127.0.0.1:16399;")]
    [InlineData("localhost:6379,ssl=,password=secret", "has the option ssl without a value: write ssl=VALUE, or leave it out.")]
    [InlineData("localhost:6379,ssl=perhaps,password=secret", "cannot be read (ssl)")]
    [InlineData("localhost:6379,password=secret,defaultDatabase=", "has the option defaultDatabase without a value")]
    [InlineData("localhost:6379,connectTimeout=soon,password=secret", "cannot be read (connectTimeout)")]
    [InlineData("localhost:6379,pasword=secret", "cannot be read: there is no option pasword.")]
    [InlineData("localhost:6379,ssl=true,databse=secret", "cannot be read: there is no option databse.")]
    [InlineData("localhost:6379,password=a,secret=b", "cannot be read.")]
    [InlineData("localhost:6379,secret=", "cannot be read.")]
    [InlineData("localhost:6379,secret==", "cannot be read.")]
    [InlineData("localhost:6379,secret1=b", "cannot be read.")]
    [InlineData("secret=b", "cannot be read.")]
    [InlineData("Host=localhost;Database=shop;Password=secret", "has the form of PostgreSQL's (Host=…;Database=…)")]
    [InlineData("localhost:6380,ssl=perhaps,sslHost=x,password=secret;b", "cannot be read (ssl)")]
    [InlineData("localhost:99999,password=secret", "has the port 99999: ports go from 1 to 65535.")]
    [InlineData("redis:localhost:6379,password=secret", "begins with 'redis:'. Leave out 'redis:', which stands before")]
    [InlineData(" Redis:localhost,password=secret", "Leave out 'redis:'")]
    [InlineData("redis:redis:6379,password=secret", "Leave out 'redis:'")]
    [InlineData("redis:redis://localhost:6379,password=secret", "Leave out 'redis:'")]
    [InlineData("redis://localhost:6379,password=secret", "is no URL. It is like localhost:6379")]
    [InlineData("rediss://localhost:6379,password=secret", "is no URL")]
    [InlineData("17391,password=secret", "is the number 17391, without a host: write HOST:PORT, as in localhost:17391.")]
    [InlineData(null, "The given one is null: is its setting missing?")]
    [InlineData(" ", "The given one is empty: does its setting have a value?")]
    public void AnErrorNamesTheOptionThatIsWrong(string? connection, string words)
    {
        ArgumentException failure = Assert.ThrowsAny<ArgumentException>(() => ServerAddress.Parse(connection!));
        Assert.Contains(words, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/tmp/orders.db")]
    [InlineData("orders.db")]
    [InlineData(" Orders.SQLITE3 ,password=secret")]
    [InlineData("./data/orders")]
    [InlineData(@"C:\x\y.db")]
    [InlineData("sqlite:orders.db")]
    [InlineData("Data Source=orders.db;Password=secret")]
    public void APathOfAFileIsToldApart(string path)
    {
        ArgumentException failure = Assert.Throws<ArgumentException>(() => ServerAddress.Parse(path));

        Assert.StartsWith(
            "The connection string for Redis is the path of a file, and SqliteStreamStore opens files (UseSqlite; sqlite:FILE in settings)"
                + ". A Redis server is named by HOST:PORT", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("orders.db:6379", "orders.db:6379")]
    [InlineData("orders.db:7000,cache.sqlite", "orders.db:7000, cache.sqlite:6379")]
    [InlineData("password=a/b.db,orders:6379", "orders:6379")]
    [InlineData("orders:6379,password=,defaultDatabase=2", "orders:6379, database 2")]
    public void AHostMayHaveANameLikeAFileWithItsPort(string connection, string address)
        => Assert.Equal(address, ServerAddress.Parse(connection).ToString());

    [Fact]
    public async Task DatabasesAndPrefixesKeepStoresApart()
    {
        string prefix = SharedServer.NewPrefix();
        foreach ((string address, string own) in new[] { (server.Address, prefix), (server.Address + ",defaultDatabase=1", prefix),
            (server.Address, prefix + ".b") })
        {
            await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(address, new() { Prefix = own });
            Assert.Empty(await store.ListStreamsAsync());
            await store.PrepareAsync();
            Assert.Equal(["orders", "results"], await store.ListStreamsAsync());
        }
    }

    [Fact]
    public async Task AServerWithACertificateIsReachedOverTls()
    {
        using var certificate = new TestCertificate();
        await using RedisServer secret = await RedisServer.StartAsync("--port", "0", "--tls-port", "{port}", "--tls-auth-clients", "no",
            "--requirepass", "right-secret",
            "--tls-cert-file", certificate.Path, "--tls-key-file", certificate.KeyPath, "--tls-ca-cert-file", certificate.Path);
        string address = $"{secret.Address},ssl=true,sslHost=localhost,password=right-secret";
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync(address,
            Patient.Options with { CertificateValidation = certificate.IsTheOne }))
        {
            await store.PrepareAsync();
            await store.AppendAsync(1, "a");
            Assert.Equal(["a"], await store.ReadAsync(Rows.Orders));
        }

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(
            async () => await RedisStreamStore.ConnectAsync(address, new() { Timeout = TimeSpan.FromMinutes(1) }));
        Assert.Equal(
            $"The certificate of the server at {secret.Address} was refused, or it wants another password: trust the authority that made "
                + $"the certificate (SSL_CERT_FILE), give its name (sslHost=…), or judge it yourself "
                + $"(RedisStoreOptions.CertificateValidation).", failure.Message);
    }

    [Fact]
    public async Task APrefixMayStandInTheConnectionString()
    {
        string prefix = SharedServer.NewPrefix();
        await using RedisStreamStore one = await RedisStreamStore.ConnectAsync($"{server.Address},prefix={prefix}");
        await using RedisStreamStore same = await RedisStreamStore.ConnectAsync(server.Address, new() { Prefix = prefix });
        await one.PrepareAsync();
        await one.AppendAsync(1, "a");

        Assert.Equal(["a"], await same.ReadAsync(Rows.Orders));
        await Assert.ThrowsAsync<ArgumentException>(async () => await RedisStreamStore.ConnectAsync($"{server.Address},prefix=a b"));
    }

    // The permissions of docs/operations/redis.md.
    [Fact]
    public async Task TheDocumentedPermissionsSuffice()
    {
        await using RedisServer strict = await RedisServer.StartAsync("--appendfsync", "always", "--user", "default", "on", ">right-secret",
            "resetkeys", "~{sluice}:*", "resetchannels", "&{sluice}:*",
            "-@all", "+@read", "+@write", "+@connection", "+@pubsub", "+@scripting", "+info", "+time", "+bgrewriteaof", "+wait",
                "+config|get");
        string address = $"{strict.Address},password=right-secret";
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync(address, new() { Durability = Durability.Power }))
        {
            await store.PrepareAsync();
            await store.AppendAsync(1, "a");
            using EntryBatch output = Rows.Batch("out");
            Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(await store.WorkAsync(output))).Status);
            long seen = await store.WaitForChangeAsync(Rows.Orders, -1, TestContext.Current.CancellationToken);
            await store.AppendAsync(2, "b");
            await store.WaitForChangeAsync(Rows.Orders, seen, TestContext.Current.CancellationToken);
        }
        await strict.KillAsync();
        await strict.StartAgainAsync();
        await using RedisStreamStore again = await RedisStreamStore.ConnectAsync(address);
        Assert.Equal(["b"], await again.ReadAsync(Rows.Orders));
    }

    [Fact]
    public async Task DurabilityPowerNeedsAServerThatAlwaysFlushes()
    {
        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync(server.Address, new() { Durability = Durability.Power }));
        Assert.Contains("appendfsync always", failure.Message, StringComparison.Ordinal);

        await using RedisServer flushing = await RedisServer.StartAsync("--appendfsync", "always");
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(flushing.Address, new() { Durability = Durability.Power });
        Assert.Equal(Durability.Power, store.Durability);
    }

    [Theory]
    [InlineData("6.2.14", 6)]
    [InlineData("7.0.15", 7)]
    [InlineData("10.1.0", 10)]
    public void TheVersionIsReadFromInfo(string version, int major)
        => Assert.Equal(major, ServerInfo.Read($"# Server\r\nredis_version:{version}\r\nrun_id:abc\r\n").MajorVersion);

    [Fact]
    public async Task AWaitingReaderIsWokenByAnAppendWithoutPolling()
    {
        string prefix = SharedServer.NewPrefix();
        var standing = new RedisStoreOptions { Prefix = prefix, Time = new TestClock() };
        await using RedisStreamStore reader = await RedisStreamStore.ConnectAsync(server.Address, standing);
        await using RedisStreamStore writer = await RedisStreamStore.ConnectAsync(server.Address, standing);
        await writer.PrepareAsync();
        for (int i = 1; i <= 20; i++)
        {
            long seen = await reader.WaitForChangeAsync(Rows.Orders, -1, TestContext.Current.CancellationToken);
            Assert.Equal(i - 1, (await reader.ReadAsync(Rows.Orders)).Length);
            await writer.AppendAsync(i, $"e{i}");
            while ((await reader.ReadAsync(Rows.Orders)).Length < i)
                seen = await reader.WaitForChangeAsync(Rows.Orders, seen, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task TheStoreUsesTheTimeOfTheServer()
    {
        string prefix = SharedServer.NewPrefix();
        await using RedisStreamStore first = await RedisStreamStore.ConnectAsync(server.Address,
            new() { Prefix = prefix, Time = new TestClock(DateTimeOffset.UnixEpoch) });
        await using RedisStreamStore second = await RedisStreamStore.ConnectAsync(server.Address,
            new() { Prefix = prefix, Time = new TestClock(DateTimeOffset.UtcNow.AddYears(1)) });
        await first.PrepareAsync();
        await first.AppendAsync(1, "a");
        DateTimeOffset before = await first.GetTimeAsync(TestContext.Current.CancellationToken),
            after = await second.GetTimeAsync(TestContext.Current.CancellationToken);
        Assert.True(before <= after && after - before < TimeSpan.FromHours(1), $"{before:O}, {after:O}");
        Assert.InRange(before, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
    }

    [Fact]
    public async Task TheStoreTimeContinuesWhenTheServersClockGoesBack()
    {
        DateTimeOffset now = DateTimeOffset.UtcNow + TimeSpan.FromDays(2);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            new() { Prefix = SharedServer.NewPrefix(), Time = new TestClock(), ServerTime = () => now });
        await store.PrepareAsync();
        await store.AppendAsync(1, "a");
        DateTimeOffset stored = await store.GetTimeAsync(TestContext.Current.CancellationToken);
        now -= TimeSpan.FromDays(2);
        DateTimeOffset back = await store.GetTimeAsync(TestContext.Current.CancellationToken);
        now += TimeSpan.FromSeconds(5);
        DateTimeOffset later = await store.GetTimeAsync(TestContext.Current.CancellationToken);
        Assert.True(back >= stored && later - back == TimeSpan.FromSeconds(5), $"{stored:O}, {back:O}, {later:O}");
    }
}
