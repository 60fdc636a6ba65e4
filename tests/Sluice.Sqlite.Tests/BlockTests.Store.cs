using System.Buffers.Binary;
using System.Globalization;
using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <content>The store of these tests, and its expected entries.</content>
public sealed partial class BlockTests
{
    private async Task OpenAsync(int recent = 256)
    {
        store = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process,
            new() { MaxLogBytes = 1 << 20, RecentBlocks = recent });
        await store.OpenStreamAsync("s", new() { Partitions = Partitions });
        await store.AddGroupAsync(Group);
        ProducerState producer = await store.OpenProducerAsync("s", "p");
        (sequence, epoch) = (producer.Last, producer.Epoch);
        (owners, commits) = (new Ownership[Partitions], new long[Partitions]);
        for (int i = 0; i < Partitions; i++)
        {
            AcquireResult taken = await store.AcquireAsync(Group, i, new("m"));
            (owners[i], commits[i]) = (taken.Ownership, taken.State!.LastCommit);
        }
    }

    // Closes the store as a kill does. Nothing is in flight.
    private async Task ReopenAsync(int recent = 256)
    {
        await store.AbandonAsync();
        await OpenAsync(recent);
    }

    private async Task AppendAsync(int count)
    {
        using EntryBatch batch = Batch(count);
        AppendResult result = await store.AppendAsync(new("s", "p", epoch, sequence + 1, batch));
        Assert.Equal(AppendStatus.Accepted, result.Status);
        sequence = result.Last;
        Remember(batch);
    }

    private EntryBatch Batch(int count)
    {
        var batch = new EntryBatch();
        byte[] payload = new byte[100];
        for (int i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(payload, ++next);
            batch.Add(payload, EntryKey.Of($"key {next % 1000}"));
        }
        return batch;
    }

    private void Remember(EntryBatch batch)
    {
        for (int i = 0; i < batch.Count; i++) Add(sent, batch.KeyAt(i).PartitionOf(Partitions),
            NumberOf(batch.RecordAt(i).Span[EntryChunk.RecordOverhead..]));
    }

    private Task SettleAsync(int except) => SettleAsync(at => at != except);

    private async Task SettleAsync(Func<int, bool>? which = null, int max = int.MaxValue)
    {
        LeaseResult lease = await store.LeaseAsync(new([.. owners.Where(owner => which?.Invoke(owner.Partition) != false)])
        {
            MaxItems =
            max,
            MaxBytes = 1 << 30
        });
        foreach (LeasedBatch batch in lease.Batches)
        {
            foreach (Entry entry in batch.Entries.ToArray()) Add(got, batch.Owner.Partition, NumberOf(entry.Payload.Span));
            var commit = new StoreCommit(batch.Owner, ++commits[batch.Owner.Partition])
            {
                Settled =
                [new(batch.Entries.Span[0].Sequence, batch.Entries.Span[^1].Sequence)]
            };
            Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(commit)).Status);
        }
    }

    // Each entry has been leased once and in order, and is removed.
    private async Task EndAsync()
    {
        foreach ((int partition, List<long> numbers) in sent) Assert.Equal(numbers, got[partition].TakeLast(numbers.Count));
        Assert.Empty((await store.CheckAsync()).Problems);
        Assert.Equal((0, 0), ((await store.FindStreamAsync("s"))!.Items, (await store.FindStreamAsync("s"))!.Bytes));
        await store.DisposeAsync();                  // closing the store does all pending removals
        store = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process);
    }

    private async Task<long> CountAsync(string table)
    {
        long count = 0;
        await store.WithDatabaseAsync(database => count = Number(database, $"SELECT count(*) FROM {table}"));
        return count;
    }

    private static long Number(Database database, string sql) => long.Parse(database.Ask(sql) ?? "0", CultureInfo.InvariantCulture);
    private static long NumberOf(ReadOnlySpan<byte> payload) => BinaryPrimitives.ReadInt64LittleEndian(payload);

    private static void Add(SortedDictionary<int, List<long>> to, int partition, long number)
    {
        if (!to.TryGetValue(partition, out List<long>? numbers)) to.Add(partition, numbers = []);
        numbers.Add(number);
    }
}
