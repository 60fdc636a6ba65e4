using System.Globalization;
using System.Runtime.InteropServices;
using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

public sealed class SizeTests : IDisposable
{
    private readonly TempDirectory directory = new();

    [Fact]
    public async Task ALeaseAllocatesOnlyForTheEntriesItReturns()
    {
        await using Shop shop = await Shop.OpenAsync(directory.File("store.db"));
        await shop.AppendAsync([.. Enumerable.Range(0, 50_000).Select(_ => "12345678")]);
        LeaseResult few = await shop.Store.LeaseAsync(new([shop.Owner]) { MaxItems = int.MaxValue, MaxBytes = 80 });
        Assert.True(MemoryMarshal.TryGetArray(Assert.Single(few.Batches).Entries, out ArraySegment<Entry> entries));
        Assert.Equal(10, entries.Count);
        Assert.InRange(entries.Array!.Length, 10, 5000);
        Assert.Equal(49_990, (await shop.LeaseAsync(int.MaxValue)).Length);
    }

    [Fact]
    public async Task SettledEntriesAreRemovedAndTheFileStopsGrowing()
    {
        string path = directory.File("store.db");
        await using Shop shop = await Shop.OpenAsync(path, options: new() { MaxLogBytes = 1 << 20 });
        string[] payloads = [.. Enumerable.Range(0, 2000).Select(i => $"{i} {new string('x', 200)}")];
        long grown = 0;
        for (int round = 0; round < 40; round++)
        {
            await shop.AppendAsync(payloads);
            await shop.SettleAllAsync();
            if (round == 9) grown = Size();
        }
        Assert.Equal((0, 0), ((await shop.Store.FindStreamAsync("orders"))!.Items, (await shop.Store.FindStreamAsync("orders"))!.Bytes));
        await shop.Store.WithDatabaseAsync(database =>
            Assert.InRange(
            int.Parse(
                database.Ask(
                    "SELECT coalesce(sum(length(blob)), 0) FROM (SELECT blob FROM sluice_chunk UNION ALL SELECT blob FROM sluice_block)")!,
                        CultureInfo.InvariantCulture), 0, 1 << 20));
        Assert.InRange(Size(), 0, grown + (1 << 20));
        Assert.InRange(Size(), 0, 5 << 20);          // 17 MB went through the store

        long Size() => new FileInfo(path).Length + new FileInfo(path + "-wal").Length;
    }

    public void Dispose() => directory.Dispose();
}
