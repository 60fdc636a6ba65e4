using Sluice.Storage;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>A call that the store refuses, or that meets damage, has written nothing: all goes on when the cause is gone.</summary>
public class HalfWrittenTests(SharedServer server)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ACommitWithOneReaderTooManyWritesNothing()
    {
        await using RedisStreamStore store = await OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 499).Select(n => store.OpenReaderAsync(Rows.Results, $"r{n}").AsTask()));
        StoreCommit commit = await store.WorkAsync(Rows.Batch("done"));
        OpenReader one = new(Rows.Results, "one", new()), more = new(Rows.Results, "one more", new());

        var refused = await Assert.ThrowsAnyAsync<Exception>(
            () => store.CommitAsync(commit with { Readers = [one, one, more] }, Cancellation).AsTask());
        Assert.Contains("has 500 groups and readers", refused.Message, StringComparison.Ordinal);
        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(commit with { Readers = [one, one] }, Cancellation)).Status);
        Assert.Equal(["done"], await store.ReadAsync(Rows.Results));
    }

    [Theory]
    [InlineData("b:results#*", "r:reader", false)]          // what a consumer of the output has before it
    [InlineData("b:results#*", "r:reader", true)]
    [InlineData("l:results#*", "0", true)]                  // the marks of the partition that the marker of the batch goes to
    public async Task ACommitThatMeetsDamageWritesNothing(string keys, string field, bool isMarker)
    {
        await using RedisStreamStore store = await OpenAsync();
        await store.OpenReaderAsync(Rows.Results, "reader", cancellation: Cancellation);
        StoreCommit commit = await store.WorkAsync(Rows.Batch("done"));
        if (isMarker)
            commit = commit with
            {
                Outputs = [],
                Batches = [new("all") { Accepted = 1, Ended = 1, Close = true, MarkerStreams = [Rows.Results] }],
            };
        string key = await FindKeyAsync(store, keys);
        RedisValue sound = await store.Connection.Database.HashGetAsync(key, field);
        await store.Connection.Database.HashSetAsync(key, field, "rubbish");

        await Assert.ThrowsAsync<StreamStoreException>(() => store.CommitAsync(commit, Cancellation).AsTask());
        await store.Connection.Database.HashSetAsync(key, field, sound);
        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(commit, Cancellation)).Status);
        Assert.Single((await store.ReadAsync(new ReadRequest(Rows.Results, 0, 1), Cancellation)).Entries.ToArray());
    }

    /// <summary>Each append first closes the readers whose time is over.</summary>
    [Fact]
    public async Task AnAppendThatMeetsDamageBehindTheClosingOfAReaderLeavesTheStreamInOrder()
    {
        var time = new PassedTime();
        await using RedisStreamStore store = await OpenAsync(new() { ServerTime = () => time.Now });
        await store.OpenReaderAsync(Rows.Orders, "forgotten", new() { IdleTimeout = TimeSpan.FromMinutes(1) }, Cancellation);
        string key = await FindKeyAsync(store, "p:orders#*");
        await store.Connection.Database.HashSetAsync(key, "p", "rubbish");
        time.Pass(TimeSpan.FromHours(1));

        var damaged = await Assert.ThrowsAsync<StreamStoreException>(() => store.AppendAsync(2, "refused"));
        Assert.True(damaged.IsPermanent);
        ProducerState other = await store.OpenProducerAsync(Rows.Orders, "other", Cancellation);
        using EntryBatch batch = Rows.Batch("two");
        var append = new AppendRequest(Rows.Orders, "other", other.Epoch, 1, batch);
        Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(append, Cancellation)).Status);
        Assert.Equal(["one", "two"], await store.ReadAsync(Rows.Orders));
    }

    private async Task<RedisStreamStore> OpenAsync(RedisStoreOptions? options = null)
    {
        RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            (options ?? new()) with { Prefix = SharedServer.NewPrefix() }, Cancellation);
        await store.PrepareAsync();
        await store.AppendAsync(1, "one");
        return store;
    }

    private static async Task<string> FindKeyAsync(RedisStreamStore store, string pattern)
    {
        string keys = ((string)store.Connection.Meta!).Replace("meta", pattern, StringComparison.Ordinal);
        return (string)Assert.Single((RedisResult[])(await store.Connection.Database.ExecuteAsync("KEYS", keys))!)!;
    }
}
