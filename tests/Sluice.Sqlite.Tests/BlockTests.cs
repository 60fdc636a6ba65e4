using System.Buffers.Binary;
using System.Globalization;
using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>The storage of entries of many partitions: one block for each transaction, and rows for old entries.</summary>
public sealed partial class BlockTests : IDisposable
{
    private const int Partitions = 64;
    private const int StandingStill = 7;
    private static readonly GroupId Group = new("s", "g");

    private readonly TempDirectory directory = new();
    private readonly SortedDictionary<int, List<long>> sent = [];
    private readonly SortedDictionary<int, List<long>> got = [];
    private SqliteStreamStore store = null!;
    private Ownership[] owners = [];
    private long[] commits = [];
    private long sequence, next, epoch;

    [Fact]
    public async Task AnAppendToManyPartitionsIsOneBlockThatSettlingRemoves()
    {
        await OpenAsync();
        await AppendAsync(256);
        Assert.Equal((1, 0), (await CountAsync("sluice_block"), await CountAsync("sluice_chunk")));
        await ReopenAsync();
        await SettleAsync();
        await EndAsync();
        Assert.Equal((0, 0), (await CountAsync("sluice_block"), await CountAsync("sluice_chunk")));
    }

    [Theory]
    [InlineData(256, 600)]
    [InlineData(0, 20)]
    [InlineData(5, 20)]
    public async Task OldBlocksAreSplitIntoRowsThatReadTheSame(int recent, int appends)
    {
        await OpenAsync(recent);
        for (int i = 0; i < appends; i++)
        {
            await AppendAsync(100);
            if (i % 7 == 0) await SettleAsync(max: 150);
            if (i % (appends / 3) == 1) await ReopenAsync(recent);
        }
        Assert.InRange(await CountAsync("sluice_chunk"), 100, long.MaxValue);
        Assert.Empty((await store.CheckAsync()).Problems);
        await ReopenAsync(recent);
        await SettleAsync();
        await EndAsync();
        Assert.Equal((0, 0), (await CountAsync("sluice_block"), await CountAsync("sluice_chunk")));
    }

    [Fact]
    public async Task AnIdlePartitionKeepsLittleMoreThanItsOwnEntries()
    {
        await OpenAsync();
        for (int i = 1; i <= 2000; i++)
        {
            await AppendAsync(256);
            if (i % 8 == 0) await SettleAsync(StandingStill);
            if (i % 500 == 0) await ReopenAsync();
        }
        long own = sent[StandingStill].Count * 160L;  // including the overhead of each entry
        Assert.InRange(own, 1 << 20, 2 << 20);
        Assert.InRange(new FileInfo(store.Path).Length, own, 24 << 20); // recent blocks are kept whole; 80 MB went through the store
        await store.WithDatabaseAsync(database => Assert.InRange(Number(database, "SELECT sum(length(blob)) FROM sluice_chunk"),
            own * 2 / 3, own * 2));
        Assert.Empty((await store.CheckAsync()).Problems);
        await ReopenAsync();
        await SettleAsync();
        await EndAsync();
        Assert.Equal((0, 0), (await CountAsync("sluice_block"), await CountAsync("sluice_chunk")));
    }

    [Fact]
    public async Task BlocksStayWholeUntilFewPartitionsStillNeedThem()
    {
        await OpenAsync(recent: 4);
        for (int i = 1; i <= 50; i++) await AppendAsync(256);
        await SettleAsync(at => at < Partitions / 2);
        Assert.InRange(await CountAsync("sluice_block"), 45, 50);
        for (int i = 1; i <= 10; i++)
        {
            await AppendAsync(256);                  // removals are collected
            await SettleAsync(at => at < Partitions - 2);
        }
        Assert.InRange(await CountAsync("sluice_block"), 0, 12);
        await ReopenAsync(recent: 4);
        await SettleAsync();
        await EndAsync();
        Assert.Equal((0, 0), (await CountAsync("sluice_block"), await CountAsync("sluice_chunk")));
    }

    [Theory]
    [InlineData(256)]
    [InlineData(0)]
    public async Task DeletingAStreamKeepsTheBlocksOfOtherStreams(int recent)
    {
        await OpenAsync(recent);
        await store.OpenStreamAsync("other", new() { Partitions = Partitions });
        await AppendAsync(256);                      // a commit then writes to both streams
        LeaseResult lease = await store.LeaseAsync(new([owners[3]]));
        using EntryBatch outputs = Batch(200);
        using EntryBatch more = Batch(200);
        SequenceRange settled = new(lease.Batches[0].Entries.Span[0].Sequence, lease.Batches[0].Entries.Span[^1].Sequence);
        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(new(owners[3], ++commits[3])
        {
            Settled = [settled],
            Outputs = [new("other", outputs), new("s", more)]
        })).Status);
        Remember(more);
        sent[3].RemoveRange(0, (int)settled.Count);
        await store.DeleteStreamAsync("other");
        Assert.Empty((await store.CheckAsync()).Problems);
        await ReopenAsync(recent);
        Assert.Empty((await store.CheckAsync()).Problems);
        await SettleAsync();
        await EndAsync();
        Assert.Equal((0, 0), (await CountAsync("sluice_block"), await CountAsync("sluice_chunk")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task AStoreOfAnEarlierSchemaVersionIsMigrated(int version)
    {
        string[] fromSeventh = ["ALTER TABLE sluice_group DROP COLUMN draining"];
        string[] fromSixth = ["ALTER TABLE sluice_group DROP COLUMN paused"];
        string[] fromFifth =
        [
            "ALTER TABLE sluice_block DROP COLUMN before", "ALTER TABLE sluice_meta DROP COLUMN last",
                "ALTER TABLE sluice_meta DROP COLUMN roots", "ALTER TABLE sluice_meta DROP COLUMN sum",
            "ALTER TABLE sluice_log DROP COLUMN sum", "ALTER TABLE sluice_producer DROP COLUMN sum",
        ];
        string[] fromFourth = ["ALTER TABLE sluice_meta DROP COLUMN away"];
        string[] fromThird =
        [
            "ALTER TABLE sluice_stream DROP COLUMN sum", "ALTER TABLE sluice_part DROP COLUMN digest",
                "ALTER TABLE sluice_part DROP COLUMN sum",
            "ALTER TABLE sluice_row DROP COLUMN sum", "ALTER TABLE sluice_state DROP COLUMN sum", "ALTER TABLE sluice_file DROP COLUMN sum",
        ];
        string[] fromSecond =
        [
            "UPDATE sluice_chunk SET blob = (SELECT substr(b.blob, start + 1, sluice_chunk.length) FROM sluice_block b WHERE b.id = "
                + "block) WHERE block IS NOT NULL",
            "DROP TABLE sluice_block", "ALTER TABLE sluice_chunk DROP COLUMN block", "ALTER TABLE sluice_chunk DROP COLUMN start",
                "ALTER TABLE sluice_chunk DROP COLUMN length",
            "ALTER TABLE sluice_meta DROP COLUMN recent",
        ];
        await OpenAsync(recent: 0);
        await AppendAsync(500);
        await SettleAsync(max: 100);
        await store.WithDatabaseAsync(database =>
        {
            foreach (string statement in (string[])[.. fromSeventh, .. version < 6 ? fromSixth : [], .. version < 5 ? fromFifth : [],
                .. version < 4 ? fromFourth : [], .. version < 3 ? fromThird : [],
                .. version < 2 ? fromSecond : [], $"UPDATE sluice_meta SET version = {version}"])
                database.Execute(statement);
        });
        await ReopenAsync();
        await store.WithDatabaseAsync(database => Assert.Equal("7", database.Ask("SELECT version FROM sluice_meta")));
        await AppendAsync(500);
        Assert.Empty((await store.CheckAsync()).Problems);
        await SettleAsync();
        await EndAsync();
    }

    [Fact]
    public async Task ADamagedChunkListIsReportedWhenTheStoreIsOpened()
    {
        await OpenAsync();
        await AppendAsync(256);
        await store.WithDatabaseAsync(database => database.Execute(
            "UPDATE sluice_block SET chunks = substr(chunks, 1, 20) || x'07' || substr(chunks, 22)"));
        Assert.Contains("block 1 does not match", Assert.Single((await store.CheckAsync()).Problems), StringComparison.Ordinal);
        string path = store.Path;
        await store.DisposeAsync();
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => SqliteStreamStore.OpenAsync(path, Durability.Process).AsTask());
        Assert.True(failure.IsPermanent);
        Assert.Contains("block 1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("backup", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ATruncatedBlockIsReportedForItsEntries()
    {
        await OpenAsync(recent: 0);
        await AppendAsync(256);
        await AppendAsync(256);
        await store.WithDatabaseAsync(database => database.Execute(
            "UPDATE sluice_block SET blob = substr(blob, 1, 20000) WHERE id = (SELECT max(id) FROM sluice_block)"));
        await ReopenAsync(recent: 0);
        IntegrityReport report = await store.CheckAsync();
        Assert.InRange(report.Problems.Count, 10, 40);
        Assert.All(report.Problems, problem => Assert.Contains("too short", problem, StringComparison.Ordinal));
        LeaseResult lease = await store.LeaseAsync(new(owners) { MaxItems = 1000, MaxBytes = 1 << 24 });
        Assert.All(lease.Damaged, static damage => Assert.Contains("CheckAsync", damage.Message, StringComparison.Ordinal));
        Assert.Equal(512, lease.Batches.Sum(static batch => batch.Entries.Length)
            + lease.Damaged.Sum(static damage => damage.Entries.Count));
    }

    public void Dispose()
    {
        store?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        directory.Dispose();
    }
}
