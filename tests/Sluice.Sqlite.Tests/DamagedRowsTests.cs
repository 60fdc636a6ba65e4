using System.Buffers.Binary;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Sqlite.Tests;

/// <summary>SQLite cannot read the rows of many chunks, because a page of their table is damaged.</summary>
public sealed class DamagedRowsTests : IDisposable
{
    private const int Entries = 500;
    private static readonly GroupId Group = new("s", "g");

    private readonly TempDirectory directory = new();
    private readonly TestClock clock = new();
    private SqliteStreamStore store = null!;
    private Ownership owner;
    private long commit;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Path => directory.File("store.db");

    /// <remarks>The bytes of a backlog follow from these rows. So commits failed whose mark came to such a row, and when the stream was
    /// loaded again, each of its calls.</remarks>
    [Fact]
    public async Task OnlyTheirEntriesAreDamaged()
    {
        await OpenAsync();
        await AppendAsync();
        await store.DisposeAsync();
        DamageRows();
        await OpenAsync();
        List<SequenceRange> damaged = [];
        long read = 0, next = 1;
        while (next <= Entries)
        {
            LeaseResult lease = await store.LeaseAsync(new([owner]) { MaxItems = 40 }, Cancellation);
            int entries = lease.Batches.Sum(static batch => batch.Entries.Length), lost = lease.Damaged.Sum(static one => (int)Count(one.Entries));
            Assert.True(entries + lost > 0);
            read += entries;
            damaged.AddRange(lease.Damaged.Select(static one => one.Entries));
            Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(
                new(owner, ++commit) { Settled = [new(next, next + entries + lost - 1)] }, Cancellation)).Status);
            next += entries + lost;
            StreamInfo info = (await store.FindStreamAsync("s", Cancellation))!;
            Assert.Equal(Entries - next + 1, info.Items);
            Assert.InRange(info.Bytes, info.Items, info.Items * 1000);
            await store.DisposeAsync();
            await OpenAsync();
        }
        Assert.InRange(damaged.Sum(Count), 20, Entries / 2);
        Assert.Equal(Entries, read + damaged.Sum(Count));
        Assert.Equal(damaged.Sum(Count), damaged[^1].Last - damaged[0].First + 1);
        Assert.Equal((0, 0), await store.FindStreamAsync("s", Cancellation) is { } after ? (after.Items, after.Bytes) : default);

        static long Count(SequenceRange range) => range.Last - range.First + 1;
    }

    public void Dispose()
    {
        store?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        directory.Dispose();
    }

    // Without recent blocks, each chunk has a row.
    private async Task OpenAsync()
    {
        store = await SqliteStreamStore.OpenAsync(Path, Durability.Process, new() { RecentBlocks = 0, Time = clock }, Cancellation);
        await store.OpenStreamAsync("s", new() { Partitions = 1 }, Cancellation);
        await store.AddGroupAsync(Group, cancellation: Cancellation);
        AcquireResult taken = await store.AcquireAsync(Group, 0, new("m"), Cancellation);
        (owner, commit) = (taken.Ownership, taken.State!.LastCommit);
    }

    private async Task AppendAsync()
    {
        ProducerState producer = await store.OpenProducerAsync("s", "p", cancellation: Cancellation);
        for (int i = 0; i < Entries; i++)
        {
            using var batch = new EntryBatch();
            batch.Add(new byte[100]);
            Assert.Equal(AppendStatus.Accepted,
                (await store.AppendAsync(new("s", "p", producer.Epoch, i + 1, batch), Cancellation)).Status);
        }
    }

    // A page in the middle of those to which the root of the table refers. The first page of the table has the chunks first, and so on.
    private void DamageRows()
    {
        long root;
        using (Database database = Database.Open(Path))
        {
            database.Execute("VACUUM");
            Statement found = database.Sql("SELECT rootpage FROM sqlite_schema WHERE name = 'sluice_chunk'");
            Assert.True(found.Next());
            root = found.Long(0);
            found.Reset();
        }
        byte[] bytes = File.ReadAllBytes(Path);
        int page = BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(16));
        Span<byte> at = bytes.AsSpan((int)(root - 1) * page, page);
        const byte Interior = 5, Leaf = 13;
        Assert.Equal(Interior, at[0]);
        int cell = BinaryPrimitives.ReadUInt16BigEndian(at[(12 + (BinaryPrimitives.ReadUInt16BigEndian(at[3..]) / 2 * 2))..]);
        int leaf = (BinaryPrimitives.ReadInt32BigEndian(at[cell..]) - 1) * page;
        Assert.Equal(Leaf, bytes[leaf]);
        bytes[leaf] = 0xff;
        File.WriteAllBytes(Path, bytes);
    }
}
