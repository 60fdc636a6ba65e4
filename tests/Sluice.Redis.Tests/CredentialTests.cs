using System.Collections.Concurrent;
using System.Security.Authentication;
using Sluice.Hosting;
using Sluice.Storage;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>Users of the server's ACL and the options of TLS, in a connection string and in options of the client.</summary>
public class CredentialTests
{
    // The permissions of docs/operations/redis.md.
    private static readonly string[] Shop = ["--user", "default", "off", "--user", "shop", "on", ">right-secret", "~{shop}:*",
        "resetchannels", "&{shop}:*", "-@all", "+@read", "+@write", "+@connection", "+@pubsub", "+@scripting", "+info", "+time",
        "+bgrewriteaof"];

    [Theory]
    [InlineData("")]
    [InlineData(",protocol=resp3")]
    public async Task AUserOfTheAclWorksInItsPrefix(string more)
    {
        await using RedisServer server = await RedisServer.StartAsync(Shop);
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync(
            $"{server.Address},user=shop,password=right-secret,prefix=shop{more}"))
            await WorksAsync(store);

        StreamStoreException elsewhere = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync($"{server.Address},user=shop,password=right-secret,prefix=other{more}"));
        Assert.StartsWith($"The user may not do this on the Redis server at {server.Address}: NOPERM", elsewhere.Message,
            StringComparison.Ordinal);
    }

    /// <remarks>Regression: each append was stored, and said to be refused.</remarks>
    [Fact]
    public async Task WithoutTheRightToPublishAWarningSaysSoAndAllIsStored()
    {
        await using RedisServer server = await RedisServer.StartAsync([.. Shop.Where(static word => word != "&{shop}:*")]);
        ConcurrentQueue<string> warnings = [];
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(
            $"{server.Address},user=shop,password=right-secret,prefix=shop", Patient.Options with { OnWarning = warnings.Enqueue });
        await store.PrepareAsync();
        Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(1, "a")).Status);
        Assert.Equal(["a"], await store.ReadAsync(Rows.Orders));
        Assert.Contains(warnings, static text => text.StartsWith("The user may not publish to {shop}:changes", StringComparison.Ordinal)
            && text.EndsWith("(&{shop}:*).", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(",user=shop,password=wrong-secret")]
    [InlineData(",user=stranger,password=right-secret")]
    [InlineData(",password=right-secret")]
    public async Task AWrongUserIsReportedAndNoPasswordIsShown(string credentials)
    {
        await using RedisServer server = await RedisServer.StartAsync(Shop);

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync(server.Address + credentials));
        Assert.Equal($"The server at {server.Address} wants a password, or another one: give it in the connection string (password=…, "
            + "with user=… for a user of the server's ACL).", failure.Message);
        Assert.DoesNotContain("secret", failure.ToString(), StringComparison.Ordinal);
    }

    /// <remarks>The default user of a new server has no password, and a login that fails leaves a client with its rights.</remarks>
    [Theory]
    [InlineData("")]
    [InlineData(",protocol=resp3")]
    public async Task AUserWhoseLoginFailsIsNotTakenForTheDefaultUser(string more)
    {
        await using RedisServer server = await RedisServer.StartAsync(Shop[3..]);
        foreach (string credentials in (string[])["user=shop,password=wrong-secret", "user=stranger,password=right-secret"])
            Assert.StartsWith($"The server at {server.Address} wants a password, or another one", (await Assert
                .ThrowsAsync<StreamStoreException>(async () => await RedisStreamStore.ConnectAsync(
                    $"{server.Address},{credentials},prefix=shop{more}"))).Message, StringComparison.Ordinal);

        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(
            $"{server.Address},user=shop,password=right-secret,prefix=shop{more}");
        await WorksAsync(store);
        using ConnectionMultiplexer raw = await ConnectionMultiplexer.ConnectAsync(server.Admin);
        await SetPasswordAsync("other-secret");
        Task<AppendResult> Again() => store.AppendAsync(2, "b");
        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(Again);
        Assert.Contains("wants a password, or another one", failure.Message, StringComparison.Ordinal);
        await SetPasswordAsync("right-secret");
        await Again();
        Assert.Equal(["a", "b"], await store.ReadAsync(Rows.Orders));

        async Task SetPasswordAsync(string password)
        {
            IDatabase database = raw.GetDatabase();
            await database.ExecuteAsync("ACL", "SETUSER", "shop", "resetpass", ">" + password);
            await database.ExecuteAsync("CLIENT", "KILL", "USER", "shop");
        }
    }

    /// <summary>A server, or a proxy, that has no CLIENT: there is no way to see which user a login has made.</summary>
    [Fact]
    public async Task AServerWithoutTheCommandClientIsUsed()
    {
        await using RedisServer server = await RedisServer.StartAsync([.. Shop, "--rename-command", "CLIENT", ""]);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(
            $"{server.Address},user=shop,password=right-secret,prefix=shop");
        await WorksAsync(store);
    }

    [Fact]
    public async Task OptionsOfTheClientAreCopied()
    {
        await using RedisServer server = await RedisServer.StartAsync(Shop);
        var servers = new ConfigurationOptions { EndPoints = { server.Address }, User = "shop", Password = "right-secret" };
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync(servers, new() { Prefix = "shop" }))
            await WorksAsync(store);
        Assert.Equal((true, false, null), (servers.AbortOnConnectFail, servers.AllowAdmin, servers.ClientName));

        var later = new SluiceOptions().UseRedis(servers, new() { Prefix = "shop" });
        servers.EndPoints.Clear();
        await using IStreamStore opened = await later.OpenStore!(TestContext.Current.CancellationToken);
        Assert.Equal(["orders", "results"], await opened.ListStreamsAsync(cancellation: TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentException>(() => new SluiceOptions().UseRedis(servers));
        await Assert.ThrowsAsync<ArgumentException>(async () => await RedisStreamStore.ConnectAsync(servers));
    }

    [Fact]
    public async Task AServerThatAsksForACertificateGetsIt()
    {
        using var certificate = new TestCertificate();
        await using RedisServer server = await RedisServer.StartAsync("--port", "0", "--tls-port", "{port}", "--tls-auth-clients", "yes",
            "--tls-cert-file", certificate.Path, "--tls-key-file", certificate.KeyPath, "--tls-ca-cert-file", certificate.Path);
        string address = $"{server.Address},ssl=true,sslHost=localhost";
        var shown = new RedisStoreOptions
        {
            CertificateValidation = certificate.IsTheOne,
            CertificateSelection = certificate.Select
        };
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync($"{address},sslProtocols=tls12|tls13", shown))
            await WorksAsync(store);

        ConfigurationOptions servers = ConfigurationOptions.Parse(address);
        servers.CertificateSelection += certificate.Select;
        servers.CertificateValidation += certificate.IsTheOne;
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync(servers))
            Assert.Equal(["orders", "results"], await store.ListStreamsAsync());

        servers = ConfigurationOptions.Parse(address);
        servers.SslClientAuthenticationOptions = host => new()
        {
            TargetHost = host,
            EnabledSslProtocols = SslProtocols.Tls13,
            RemoteCertificateValidationCallback = certificate.IsTheOne,
            LocalCertificateSelectionCallback = certificate.Select
        };
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync(servers))
            Assert.Equal(["orders", "results"], await store.ListStreamsAsync());

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () => await RedisStreamStore.ConnectAsync(
            address + ",connectTimeout=500", shown with { CertificateSelection = null, Timeout = TimeSpan.Zero }));
        Assert.Contains(server.Address, failure.Message, StringComparison.Ordinal);
    }

    private static async Task WorksAsync(RedisStreamStore store)
    {
        await store.PrepareAsync();
        long seen = await store.WaitForChangeAsync(Rows.Orders, -1, TestContext.Current.CancellationToken);
        await store.AppendAsync(1, "a");
        await store.WaitForChangeAsync(Rows.Orders, seen, TestContext.Current.CancellationToken);
        Assert.Equal(["a"], await store.ReadAsync(Rows.Orders));
    }
}
