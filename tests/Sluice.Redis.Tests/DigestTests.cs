using Sluice.Storage;
using Sluice.Testing;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>
/// The data of a partition is compared with the digest of its last commit: when the partition is acquired, and by a check.
/// </summary>
public class DigestTests(SharedServer server) : IClassFixture<SharedServer>
{
    private readonly string prefix = SharedServer.NewPrefix();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Deletes one row of each kind: state, its index, waiting rows, their records and indexes, ranges, file lengths.</summary>
    [Theory]
    [InlineData("st")]
    [InlineData("si")]
    [InlineData("x")]
    [InlineData("y")]
    [InlineData("xo")]
    [InlineData("xs")]
    [InlineData("due")]
    [InlineData("e")]
    [InlineData("f")]
    public async Task ADeletedRowIsDetected(string kind)
    {
        await using RedisStreamStore store = await OpenAsync();
        // settled out of order: stored as a range
        var range = new StoreCommit(new(Rows.Main, 0, FilledStore.Epoch(2)), 4) { Settled = [new(10, 10)] };
        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(range, Cancellation)).Status);
        Assert.Empty((await store.CheckAsync(Cancellation)).Problems);
        await ChangeAsync(kind, async (database, key) =>
        {
            if (await database.KeyTypeAsync(key) == RedisType.Hash)
                await database.HashDeleteAsync(key, (await database.HashKeysAsync(key))[0]);
            else await database.SortedSetRemoveRangeByRankAsync(key, 0, 0);
        });
        await IsSaidAsync(store);
    }

    /// <summary>A state row has its value from before its last commit: it matches its own checksum, but not the digest.</summary>
    [Fact]
    public async Task AStateRowWithAnOldValueIsDetected()
    {
        await using RedisStreamStore store = await OpenAsync();
        RedisValue before = default;
        await ChangeAsync("st", async (database, key) => before = await database.HashGetAsync(key, "node\0k1"));
        Ownership owner = (await store.AcquireAsync(Rows.Main, 0, new("n"), Cancellation)).Ownership;
        CommitResult result = await store.CommitAsync(new(owner, 4) { State = [new("node", "k1", 1, new byte[] { 2 })] }, Cancellation);
        Assert.Equal(CommitStatus.Committed, result.Status);
        await store.ReleaseAsync(owner, Cancellation);
        Assert.Empty((await store.CheckAsync(Cancellation)).Problems);
        await ChangeAsync("st", (database, key) => database.HashSetAsync(key, "node\0k1", before));
        await IsSaidAsync(store);
    }

    /// <summary>One commit writes a row of state twice, and writes and deletes another row: the digest counts the remaining row
    /// only.</summary>
    [Fact]
    public async Task TheDigestIsRightIfACommitWritesARowTwice()
    {
        await using RedisStreamStore store = await OpenAsync();
        Ownership owner = (await store.AcquireAsync(Rows.Main, 0, new("n"), Cancellation)).Ownership;
        StateRow[] rows = [new("node", "k1", 1, new byte[] { 7 }), new("node", "k1", 1, new byte[] { 8 }), new("node", "k9", 1, null),
            new("other", "", 2, new byte[5000])];
        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(new(owner, 4)
        {
            State = rows,
            FileLengths = [new("file", -1), new("new", 3)]
        }, Cancellation)).Status);
        await store.ReleaseAsync(owner, Cancellation);
        Assert.Empty((await store.CheckAsync(Cancellation)).Problems);
        Assert.Equal(AcquireStatus.Taken, (await store.AcquireAsync(Rows.Main, 0, new("n"), Cancellation)).Status);
    }

    /// <summary>More state rows, waiting entries and ranges than one call reads.</summary>
    [Fact]
    public async Task TheDigestCoversMoreRowsThanOnePage()
    {
        await using RedisStreamStore store = await OpenAsync();
        using EntryBatch batch = Rows.Batch([.. Enumerable.Range(0, 5000).Select(n => $"{n}")]);
        await store.AppendAsync(new(Rows.Orders, "many", 0, 1, batch), Cancellation);
        Ownership owner = (await store.AcquireAsync(Rows.Main, 0, new("n"), Cancellation)).Ownership;
        LeaseResult lease = await store.LeaseAsync(new([owner]) { MaxItems = 4000 }, Cancellation);
        long[] leased = [.. lease.Batches.SelectMany(one => one.Entries.ToArray()).Select(entry => entry.Sequence)
            .Where(sequence => sequence > 20).Order()];
        StoreCommit[] commits =
        [
            new(owner, 4) { Settled = [.. leased.Where(sequence => sequence % 3 == 0).Take(240)
                .Select(sequence => new SequenceRange(sequence, sequence))] },
            new(owner, 5) { Deferred = [.. leased.Where(sequence => sequence % 3 == 1).Take(240)
                .Select(sequence => new RetryWrite(sequence, 1, TimeSpan.FromHours(1)) { Node = "node", Error = "why" })] },
            new(owner, 6) { State = [.. Enumerable.Range(0, 600).Select(n => new StateRow("node", $"{n}", 1, new byte[n]))] },
            new(owner, 7) { State = [.. Enumerable.Range(600, 600).Select(n => new StateRow("node", $"{n}", 1, new byte[n]))] },
        ];
        foreach (StoreCommit commit in commits) Assert.Equal(CommitStatus.Committed,
            (await store.CommitAsync(commit, Cancellation)).Status);
        await store.ReleaseAsync(owner, Cancellation);
        Assert.Empty((await store.CheckAsync(Cancellation)).Problems);
        await ChangeAsync("st", (database, key) => database.HashDeleteAsync(key, "node\0" + "1100"));
        await ChangeAsync("si", (database, key) => database.SortedSetRemoveAsync(key, "node\0" + "1100"));
        await IsSaidAsync(store);
    }

    private async Task<RedisStreamStore> OpenAsync()
    {
        RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            Patient.Options with { Time = new TestClock(), Prefix = prefix });
        await FilledStore.FillAsync(store);
        return store;
    }

    private async Task ChangeAsync(string kind, Func<IDatabase, RedisKey, Task> change)
    {
        using ConnectionMultiplexer connection = await ConnectionMultiplexer.ConnectAsync(server.Admin);
        IDatabase database = connection.GetDatabase();
        var keys = (RedisKey[]?)await database.ExecuteAsync("KEYS", $"{{{prefix}}}:{kind}:{Rows.Orders}#*:{Rows.Main.Name}#*:0");
        await change(database, keys!.Single());
    }

    private static async Task IsSaidAsync(RedisStreamStore store)
    {
        StreamStoreException damage = await Assert.ThrowsAsync<StreamStoreException>(async () => await store.AcquireAsync(Rows.Main, 0,
            new("n"), Cancellation));
        Assert.Equal((Rows.Orders, 0, true), (damage.Stream, damage.Partition, damage.IsPermanent));
        Assert.NotEmpty((await store.CheckAsync(Cancellation)).Problems);
    }
}
