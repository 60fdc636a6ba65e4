using Sluice.Testing;

namespace Sluice.Redis.Tests;

/// <summary>What people get wrong when they connect, each in one line without the password.</summary>
public class ConnectingTests(SharedServer server)
{
    [Fact]
    public async Task AServerThatIsNotThereIsNamed()
    {
        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () => await RedisStreamStore.ConnectAsync("127.0.0.1:1,password=secret,connectTimeout=300", new() { Patience = TimeSpan.Zero }));

        Assert.Equal("No Redis server answers at 127.0.0.1:1: is it running, and is that its address?", failure.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData(",password=wrong-secret")]
    public async Task AWrongPasswordIsSaidAndNotShown(string password)
    {
        await using RedisServer locked = await RedisServer.StartAsync("--requirepass", "right-secret");

        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () => await RedisStreamStore.ConnectAsync(locked.Address + password));

        Assert.Equal($"The server at {locked.Address} wants a password, or another one: give it in the connection string (password=…).", failure.Message);
        Assert.DoesNotContain("secret", failure.ToString(), StringComparison.Ordinal);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync($"{locked.Address},password=right-secret");
        await store.PrepareAsync();
    }

    [Theory]
    [InlineData("localhost:6379,pasword=secret")]
    [InlineData("password=secret")]
    public async Task AConnectionStringThatCannotBeReadIsNotShown(string connection)
    {
        ArgumentException failure = await Assert.ThrowsAsync<ArgumentException>(async () => await RedisStreamStore.ConnectAsync(connection));

        Assert.Contains("connection string for Redis", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DatabasesAndPrefixesKeepStoresApart()
    {
        string prefix = SharedServer.NewPrefix();
        foreach ((string address, string own) in new[] { (server.Address, prefix), (server.Address + ",defaultDatabase=1", prefix), (server.Address, prefix + ".b") })
        {
            await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(address, new() { Prefix = own });
            Assert.Empty(await store.ListStreamsAsync());
            await store.PrepareAsync();
            Assert.Equal(["orders", "results"], await store.ListStreamsAsync());
        }
    }

    [Theory]
    [InlineData("6.2.14", 6)]
    [InlineData("7.0.15", 7)]
    [InlineData("10.1.0", 10)]
    public void TheVersionIsReadFromInfo(string version, int major)
        => Assert.Equal(major, ServerInfo.Read($"# Server\r\nredis_version:{version}\r\nrun_id:abc\r\n").MajorVersion);

    [Fact]
    public async Task WhoWaitsIsWokenByAnotherConnectionWithoutPolling()
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
    public async Task TheStoresTimeIsThatOfTheClockThatIsAhead()
    {
        string prefix = SharedServer.NewPrefix();
        var behind = new TestClock();
        var ahead = new TestClock(behind.GetUtcNow() + TimeSpan.FromHours(1));
        await using RedisStreamStore first = await RedisStreamStore.ConnectAsync(server.Address, new() { Prefix = prefix, Time = behind });
        await first.PrepareAsync();
        await using (RedisStreamStore other = await RedisStreamStore.ConnectAsync(server.Address, new() { Prefix = prefix, Time = ahead })) await other.AppendAsync(1, "a");
        using EntryBatch nothing = Rows.Batch();
        StoreCommit work = await first.WorkAsync(nothing);
        Assert.Equal(CommitStatus.Committed, (await first.CommitAsync(new(work.Owner, 1) { Deferred = [new(1, 1, TimeSpan.FromSeconds(2))] })).Status);

        Assert.Equal(TimeSpan.FromSeconds(2), (await first.LeaseAsync(new([work.Owner]))).NextDue);
        behind.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(2, (await first.LeaseAsync(new([work.Owner]))).Batches.Single().Entries.Span[0].Attempt);
    }
}
