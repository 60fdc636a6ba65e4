using System.Text;
using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>A store with one stream, one partition and a group, and short helpers for calls on it.</summary>
internal sealed class Shop(SqliteStreamStore store) : IAsyncDisposable
{
    public static readonly GroupId Group = new("orders", "main");
    private long lastNumber, lastCommit, epoch;

    public SqliteStreamStore Store => store;
    public Ownership Owner { get; private set; }

    public static async Task<Shop> OpenAsync(string path, Durability? durability = null, SqliteStoreOptions? options = null)
    {
        var shop = new Shop(await SqliteStreamStore.OpenAsync(path, durability ?? Durability.Process, options));
        await shop.Store.OpenStreamAsync("orders", new() { Partitions = 1 });
        await shop.Store.OpenStreamAsync("results", new() { Partitions = 1 });
        await shop.Store.AddGroupAsync(Group);
        ProducerState producer = await shop.Store.OpenProducerAsync("orders", "p");
        (shop.lastNumber, shop.epoch) = (producer.Last, producer.Epoch);
        AcquireResult taken = await shop.Store.AcquireAsync(Group, 0, new("m"));
        (shop.Owner, shop.lastCommit) = (taken.Ownership, taken.State!.LastCommit);
        return shop;
    }

    public static EntryBatch Batch(params string[] payloads)
    {
        var batch = new EntryBatch();
        foreach (string payload in payloads) batch.Add(Encoding.UTF8.GetBytes(payload));
        return batch;
    }

    public async Task<AppendResult> AppendAsync(params string[] payloads)
    {
        using EntryBatch batch = Batch(payloads);
        AppendResult result = await Store.AppendAsync(new("orders", "p", epoch, lastNumber + 1, batch));
        Assert.Equal(AppendStatus.Accepted, result.Status);
        lastNumber = result.Last;
        return result;
    }

    public async Task<Entry[]> LeaseAsync(int max = 100_000)
    {
        LeaseResult lease = await Store.LeaseAsync(new([Owner]) { MaxItems = max, MaxBytes = 1 << 30 });
        return [.. lease.Batches.SelectMany(batch => batch.Entries.ToArray())];
    }

    public StoreCommit Next() => new(Owner, lastCommit + 1);

    public async Task CommitAsync(StoreCommit commit)
    {
        CommitResult result = await Store.CommitAsync(commit);
        Assert.Equal((CommitStatus.Committed, null), (result.Status, result.Detail));
        lastCommit = commit.Sequence;
    }

    /// <summary>Leases everything and settles it.</summary>
    public async Task SettleAllAsync()
    {
        if (await LeaseAsync() is { Length: > 0 } entries)
            await CommitAsync(Next() with { Settled = [new(entries[0].Sequence, entries[^1].Sequence)] });
    }

    public async Task<string[]> ReadAsync(string stream = "orders")
    {
        ReadResult read = await Store.ReadAsync(new(stream, 0, 1) { MaxItems = 1_000_000, MaxBytes = long.MaxValue });
        return [.. read.Entries.ToArray().Select(entry => Encoding.UTF8.GetString(entry.Payload.Span))];
    }

    public ValueTask DisposeAsync() => Store.DisposeAsync();
}
