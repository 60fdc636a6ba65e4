using System.Buffers.Binary;
using System.Globalization;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Sqlite.Tests;

/// <summary>
/// SQLite cannot read pages of an entry, and refuses to commit the transaction that has tried. The entry is reported as damaged, and all
/// others go on.
/// </summary>
public sealed class DamagedPageTests : IDisposable
{
    private const int Large = 20_000;                // bytes: some pages
    private static readonly GroupId Group = new("s", "g");

    private readonly TempDirectory directory = new();
    private readonly TestClock clock = new();
    private readonly Ownership[] owners = new Ownership[2];
    private readonly long[] commits = new long[2];
    private SqliteStreamStore store = null!;
    private long sequence, epoch;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>If chunks have rows, the damaged one is read ahead, too.</remarks>
    [Theory]
    [InlineData(256, 1, false)]
    [InlineData(256, 2, false)]
    [InlineData(0, 1, false)]
    [InlineData(0, 2, false)]
    [InlineData(0, 1, true)]
    [InlineData(0, 2, true)]
    public async Task ALeaseWithADueRetryGivesTheOtherEntries(int recent, int damaged, bool isSplit)
    {
        await FillAsync(recent, damaged);
        Assert.Equal(1, (await LeaseAsync(owners[0], max: 1)).Batches[0].Entries.Length);
        await CommitAsync(0, commit => commit with { Deferred = [new(1, 1, TimeSpan.FromSeconds(1))] });
        await store.DisposeAsync();
        if (isSplit) Split();
        Damage(damaged);
        await OpenAsync(recent);

        clock.Advance(TimeSpan.FromSeconds(2));
        LeaseResult lease = await store.LeaseAsync(new([owners[1], owners[0]]) { MaxItems = 1000, MaxBytes = 1 << 24 }, Cancellation);

        Assert.Equal([$"0: 1 2 {4 + damaged - 1}", "1: 1"], Texts(lease));
        Assert.Equal(3, lease.Damaged[0].Entries.First);
        Assert.Equal(2 + damaged, lease.Damaged[^1].Entries.Last);
        Assert.All(lease.Damaged, damage => Assert.Contains("malformed", damage.Message, StringComparison.Ordinal));
        await EndAsync(recent, first: 1, last: 3 + damaged);
    }

    [Theory]
    [InlineData(256, 1, false)]
    [InlineData(256, 2, false)]
    [InlineData(0, 2, false)]
    [InlineData(0, 2, true)]
    public async Task AnAcquisitionMakesEntriesThatWereInFlightThereSuspects(int recent, int damaged, bool isSplit)
    {
        await FillAsync(recent, damaged);
        Assert.Equal(2, (await store.LeaseAsync(new(owners) { MaxItems = 1000, MaxBytes = 1 << 24 }, Cancellation)).Batches.Count);
        await store.AbandonAsync();
        await (await SqliteStreamStore.OpenAsync(Path, Durability.Process, cancellation: Cancellation)).DisposeAsync(); // empties the log
        if (isSplit) Split();
        Damage(damaged);

        await OpenAsync(recent);

        Assert.Equal(3 + damaged, await WaitingAsync());
        Quarantine quarantine = (await store.AcquireQuarantineAsync(Group, "m", 0, Cancellation))!.Value;
        var lease = new LeaseRequest([owners[0]]) { Quarantine = quarantine };
        Assert.Equal(1, (await store.LeaseAsync(lease, Cancellation)).Batches[0].Entries.Length);
        await CommitAsync(0, commit => commit with { Settled = [new(1, 2)] });
        Assert.Equal(new(3, 3), Assert.Single((await store.LeaseAsync(lease, Cancellation)).Damaged).Entries);
        await EndAsync(recent, first: 3, last: 3 + damaged);
    }

    /// <remarks>The page may be read again when the disk has recovered.</remarks>
    [Fact]
    public async Task AnEntryIsReadAgainLater()
    {
        await FillAsync(256, 1);
        await store.DisposeAsync();
        (int at, byte[] sound) = Damage(1);
        await OpenAsync(256);
        Assert.Equal(new(3, 3), Assert.Single((await LeaseAsync(owners[0])).Damaged).Entries);
        await using (var file = new FileStream(Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.Position = at;
            await file.WriteAsync(sound, Cancellation);
        }
        await store.WithDatabaseAsync(static database => database.Execute("PRAGMA shrink_memory"));
        await ReturnAsync();
        Assert.Equal(new(3, 3), Assert.Single((await LeaseAsync(owners[0])).Damaged).Entries);
        await ReturnAsync();

        clock.Advance(UnreadableParts.Lasts);

        Assert.Equal(["0: 1 2 3 4"], Texts(await LeaseAsync(owners[0])));

        async Task ReturnAsync()
        {
            await store.ReleaseAsync(owners[0], Cancellation);
            owners[0] = (await store.AcquireAsync(Group, 0, new("m"), Cancellation)).Ownership;
        }
    }

    /// <remarks>A page that was read ahead in vain let the commit of the reader's transaction fail, on a thread of its own.</remarks>
    [Fact]
    public async Task AReadOnlyStoreGoesOnBehindAPageThatItHasReadAhead()
    {
        await FillAsync(0, 1);
        await store.DisposeAsync();
        Split();
        Damage(1);
        await using IStreamStore reader = await SqliteStreamStore.OpenReadOnlyAsync(Path, new() { Time = clock }, Cancellation);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal([1, 2], await ReadAsync(1, 2));
            clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(5, (await reader.FindStreamAsync("s", Cancellation))!.Items);
        }
        var damage = await Assert.ThrowsAsync<StreamStoreException>(() => ReadAsync(3, 1));
        Assert.True(damage.IsPermanent);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([4], await ReadAsync(4, 1));

        async Task<IEnumerable<long>> ReadAsync(long from, int max)
            => (await reader.ReadAsync(new("s", 0, from) { MaxItems = max }, Cancellation)).Entries.ToArray()
                .Select(static entry => entry.Sequence);
    }

    public void Dispose()
    {
        store?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        directory.Dispose();
    }

    private string Path => directory.File("store.db");

    // The partition 0 has two small entries, the large ones to be damaged, and a small one; the partition 1 a small one.
    private async Task FillAsync(int recent, int large)
    {
        await OpenAsync(recent);
        await AppendAsync(0, 1, 100);
        await AppendAsync(0, 2, 100);
        for (int n = 3; n < 3 + large; n++) await AppendAsync(0, n, Large);
        await AppendAsync(0, 3 + large, 100);
        await AppendAsync(1, 1, 100);
    }

    private async Task OpenAsync(int recent)
    {
        store = await SqliteStreamStore.OpenAsync(Path, Durability.Process, new() { RecentBlocks = recent, Time = clock }, Cancellation);
        await store.OpenStreamAsync("s", new() { Partitions = 2 }, Cancellation);
        await store.AddGroupAsync(Group, cancellation: Cancellation);
        ProducerState producer = await store.OpenProducerAsync("s", "p", cancellation: Cancellation);
        (sequence, epoch) = (producer.Last, producer.Epoch);
        for (int i = 0; i < 2; i++)
        {
            AcquireResult taken = await store.AcquireAsync(Group, i, new("m"), Cancellation);
            (owners[i], commits[i]) = (taken.Ownership, taken.State!.LastCommit);
        }
    }

    private async Task AppendAsync(int partition, int number, int length)
    {
        byte[] payload = new byte[length];
        for (int at = 0; at + 8 <= length; at += 8) BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(at), MarkOf(number) + at);
        EntryKey key = Enumerable.Range(0, 100).Select(static n => EntryKey.Of($"{n}")).First(key => key.PartitionOf(2) == partition);
        using var batch = new EntryBatch();
        batch.Add(payload, key);
        AppendResult result = await store.AppendAsync(new("s", "p", epoch, sequence + 1, batch), Cancellation);
        Assert.Equal(AppendStatus.Accepted, result.Status);
        sequence = result.Last;
    }

    private async Task<long> WaitingAsync() => (await store.FindGroupAsync(Group, Cancellation))!.Partitions[0].Waiting;

    private ValueTask<LeaseResult> LeaseAsync(Ownership owner, int max = 1000)
        => store.LeaseAsync(new([owner]) { MaxItems = max, MaxBytes = 1 << 24 }, Cancellation);

    private async Task CommitAsync(int partition, Func<StoreCommit, StoreCommit> fill)
        => Assert.Equal(CommitStatus.Committed,
            (await store.CommitAsync(fill(new(owners[partition], ++commits[partition])), Cancellation)).Status);

    // The entries end, and are removed; the store goes on, also after it was opened again.
    private async Task EndAsync(int recent, int first, int last)
    {
        await CommitAsync(0, commit => commit with { Settled = [new(first, last)] });
        clock.Advance(2 * UnreadableParts.Lasts);
        await store.DisposeAsync();
        await OpenAsync(recent);
        Assert.Equal(0, await WaitingAsync());
        await AppendAsync(0, last + 1, Large);
        Assert.Equal([$"0: {last + 1}"], Texts(await LeaseAsync(owners[0])));
    }

    // Moves the entries into the rows of their chunks, as those of blocks of which little is left.
    private void Split()
    {
        using Database database = Database.Open(Path);
        database.Execute("UPDATE sluice_chunk SET blob = (SELECT substr(b.blob, start + 1, sluice_chunk.length) FROM sluice_block b "
            + "WHERE b.id = block)");
        database.Execute("UPDATE sluice_chunk SET block = NULL, start = NULL, length = NULL");
        database.Execute("DELETE FROM sluice_block");
        database.Execute("VACUUM");                  // no former copy of an entry is left in free pages
    }

    // Destroys the link from a page of each large entry to the next one.
    private (int At, byte[] Former) Damage(int large)
    {
        (int At, byte[] Former) damaged = default;
        byte[] bytes = File.ReadAllBytes(Path);
        int page = BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(16));
        for (int n = 3; n < 3 + large; n++)
        {
            byte[] mark = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(mark, MarkOf(n) + (Large / 2));
            int at = bytes.AsSpan().IndexOf(mark) / page * page;
            Assert.True(at > 0);
            damaged = (at, bytes[at..(at + 4)]);
            bytes.AsSpan(at, 4).Fill(0xff);
        }
        File.WriteAllBytes(Path, bytes);
        return damaged;
    }

    private static long MarkOf(int number) => 0x5a5a_5a5a_0000_0000 + (number * 100_000L);

    private static IEnumerable<string> Texts(LeaseResult lease) => lease.Batches.OrderBy(static batch => batch.Owner.Partition).Select(
        static batch => string.Create(CultureInfo.InvariantCulture,
            $"{batch.Owner.Partition}: {string.Join(' ', batch.Entries.ToArray().Select(static entry => entry.Sequence))}"));
}
