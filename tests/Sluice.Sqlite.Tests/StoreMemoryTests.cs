using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>The memory of the process counts, so nothing else runs.</summary>
[CollectionDefinition(nameof(StoreMemoryTests), DisableParallelization = true)]
[Collection(nameof(StoreMemoryTests))]
public sealed class StoreMemoryTests : IDisposable
{
    private readonly TempDirectory directory = new();

    [Fact]
    public async Task AMillionAcceptedEntriesTakeLittleMemory()
    {
        string path = directory.File("store.db");
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process);
        await store.OpenStreamAsync("s", new() { MaxItems = 2_000_000 });
        await store.AddGroupAsync(new("s", "g"));
        using var batch = new EntryBatch();
        for (int i = 0; i < 1000; i++) batch.Add(new byte[100]);
        await store.AppendAsync(new("s", "p", 0, 1, batch));
        (long managed, long native) = (GC.GetTotalMemory(forceFullCollection: true), SQLitePCL.raw.sqlite3_memory_used());
        for (int i = 1; i < 1000; i++) Assert.Equal(AppendStatus.Accepted,
            (await store.AppendAsync(new("s", "p", 0, 1 + (i * 1000), batch))).Status);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - managed, long.MinValue, 25_000_000);
        Assert.InRange(SQLitePCL.raw.sqlite3_memory_used() - native, long.MinValue, 25_000_000);
        Assert.Equal(1_000_000, (await store.FindStreamAsync("s"))!.Groups[0].Outstanding);
        Assert.InRange(new FileInfo(path + "-wal").Length, 0, 40 << 20); // the log is checkpointed into the file from time to time
    }

    [Fact]
    public async Task DeletedStreamsTakeNoMemory()
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process);
        using var batch = new EntryBatch();
        batch.Add(new byte[10]);
        await LiveAndDieAsync();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < 50; i++) await LiveAndDieAsync();
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 4_000_000);

        async Task LiveAndDieAsync()
        {
            await store.OpenStreamAsync("s", new() { Partitions = 2000 });
            await store.AppendAsync(new("s", "p", 0, 1, batch));
            Assert.True(await store.DeleteStreamAsync("s"));
        }
    }

    public void Dispose() => directory.Dispose();
}
