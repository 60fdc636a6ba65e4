using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>A truncated write-ahead log: the store opens at a whole earlier commit, never at a part of one.</summary>
public sealed class CutLogTests : IDisposable
{
    private const int LogHeader = 32, FrameHeader = 24, Page = 4096;
    private readonly TempDirectory directory = new();

    [Fact]
    public async Task ALogTruncatedAtAnyPageOpensAtAWholeCommit()
    {
        string path = directory.File("store.db");
        List<(int Items, int Results, string Sum)> states = [];
        Shop shop = await Shop.OpenAsync(path);
        int sum = 0;
        for (int i = 1; i <= 12; i++)
        {
            // Entries come in threes, large enough for several pages; each commit moves a whole append to the results.
            await shop.AppendAsync(new('a', 3000), new('b', 3000), new('c', 3000));
            Entry[] leased = await shop.LeaseAsync();
            using EntryBatch outputs = Shop.Batch([.. leased.Select(entry => new string('r', 2000))]);
            sum += leased.Length;
            await shop.CommitAsync(shop.Next() with
            {
                Settled = [new(leased[0].Sequence, leased[^1].Sequence)],
                Outputs = [new("results", outputs)],
                State = [new("sum", "", 0, System.Text.Encoding.UTF8.GetBytes($"{sum}"))],
            });
        }
        await shop.Store.AbandonAsync();
        byte[] log = await File.ReadAllBytesAsync(path + "-wal");
        int pages = (log.Length - LogHeader) / (FrameHeader + Page);
        Assert.InRange(pages, 50, 4000);
        for (int page = 0; page <= pages; page++) states.Add(await StateAfterAsync(path,
            log.AsMemory(0, LogHeader + (page * (FrameHeader + Page)))));
        states.Add(await StateAfterAsync(path, log.AsMemory(0, log.Length - 100)));

        Assert.Equal(0, states[0].Results);
        Assert.Equal(36, states[pages].Results);
        for (int i = 1; i <= pages; i++) Assert.True(states[i].Results >= states[i - 1].Results,
            $"after {i} pages there is less than after {i - 1}");
        Assert.Equal(13, states.Select(state => state.Results).Distinct().Count());
    }

    private async Task<(int Items, int Results, string Sum)> StateAfterAsync(string path, ReadOnlyMemory<byte> log)
    {
        string copy = directory.File("copy.db");
        File.Copy(path, copy, overwrite: true);
        await File.WriteAllBytesAsync(copy + "-wal", log.ToArray());
        File.Delete(copy + "-shm");
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(copy, Durability.Process);
        Assert.Empty((await store.CheckAsync()).Problems);
        if (await store.FindStreamAsync("orders") is null || await store.FindStreamAsync("results") is null
            || await store.FindGroupAsync(Shop.Group) is null) return (0, 0, "0");
        long accepted = (await store.OpenProducerAsync("orders", "p")).Last;
        PartitionInfo partition = (await store.FindGroupAsync(Shop.Group))!.Partitions[0];
        int results = (await store.ReadAsync(new("results", 0, 1) { MaxBytes = long.MaxValue })).Entries.Length;
        string sum = (await store.ReadStateAsync(Shop.Group, 0, "sum", [""])) is [{ Value: { } value }]
            ? System.Text.Encoding.UTF8.GetString(value.Span) : "0";
        Assert.Equal(0, accepted % 3);
        Assert.Equal(accepted, partition.Tail);      // the sequence of the producer and its entries are stored together or not at all
        Assert.Equal(partition.Done, results);       // settled entries and their results are stored together or not at all
        Assert.Equal($"{results}", sum);
        return ((int)accepted, results, sum);
    }

    public void Dispose() => directory.Dispose();
}
