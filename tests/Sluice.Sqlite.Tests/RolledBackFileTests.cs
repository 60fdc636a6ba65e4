using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>A store file that is older than the last acknowledged write.</summary>
public sealed class RolledBackFileTests : IDisposable
{
    private readonly TempDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnOlderOrMissingFileStartsANewGenerationOnce(bool isCopy)
    {
        string path = directory.File("store.db");
        await AppendAsync("a");
        if (isCopy) File.Copy(path, directory.File("copy"));
        await AppendAsync("b");
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process))
            Assert.Equal(2, await store.RaiseGenerationAsync(1));
        File.Delete(path);
        if (isCopy) File.Move(directory.File("copy"), path);

        string? loss = await AppendAsync("c");
        Assert.Contains(path, loss, StringComparison.Ordinal);
        Assert.Contains("What came after that is lost.", loss, StringComparison.Ordinal);
        await using Shop shop = await Shop.OpenAsync(path);
        Assert.Null(shop.Store.Loss);
        Assert.Equal(3, shop.Store.Generation);      // generation 2 was in use, although the copy does not know it
        Assert.Equal(isCopy ? ["a", "c"] : ["c"], await shop.ReadAsync());

        async Task<string?> AppendAsync(string text)
        {
            await using Shop shop = await Shop.OpenAsync(path);
            await shop.AppendAsync(text);
            return shop.Store.Loss;
        }
    }

    /// <remarks>An operator's program may have the file first: <c>sluice pause</c> after a restored backup.</remarks>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task ALossThatAnOperatorFindsIsToldToTheNextService(int restores)
    {
        string path = directory.File("store.db"), copy = directory.File("copy");
        await AppendAsync("a");
        File.Copy(path, copy);
        for (int i = 0; i < 5; i++) await AppendAsync($"b{i}");
        string? told = null;
        for (int i = 0; i < restores; i++)
        {
            File.Copy(copy, path, overwrite: true);
            for (int visit = 0; visit < 2; visit++)
            {
                await using IStreamStore change = await SqliteStreamStore.OpenToChangeAsync(path);
                Assert.Contains("an older copy was put in its place", change.Loss, StringComparison.Ordinal);
                told = change.Loss;
                for (int j = 0; j < 20; j++) await change.OpenStreamAsync($"more {visit}/{j}");        // as many as were lost, and more
            }
        }

        await using (Shop service = await Shop.OpenAsync(path))
            Assert.Equal((told, 1 + restores), (service.Store.Loss, service.Store.Generation));
        await using Shop next = await Shop.OpenAsync(path);
        Assert.Null(next.Store.Loss);

        async Task AppendAsync(string text)
        {
            await using Shop shop = await Shop.OpenAsync(path);
            await shop.AppendAsync(text);
        }
    }

    /// <remarks>A program that only reads, so that nothing is written after the loss was told.</remarks>
    [Fact]
    public async Task ALossIsToldOnceAlsoIfNothingIsWrittenAfterIt()
    {
        string path = directory.File("store.db"), copy = directory.File("copy");
        await using (Shop shop = await Shop.OpenAsync(path)) await shop.AppendAsync("a");
        File.Copy(path, copy);
        await using (Shop shop = await Shop.OpenAsync(path)) for (int i = 0; i < 20; i++) await shop.AppendAsync($"b{i}");
        File.Copy(copy, path, overwrite: true);

        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process))
            Assert.Equal((2, true), (store.Generation, store.Loss is not null));
        await using SqliteStreamStore next = await SqliteStreamStore.OpenAsync(path, Durability.Process);
        Assert.Equal((2, null), (next.Generation, next.Loss));
    }

    /// <remarks>Formerly the first service had the loss to itself, also if it died in its start.</remarks>
    [Fact]
    public async Task ALossIsToldUntilAServiceHasReadIt()
    {
        string path = directory.File("store.db"), copy = directory.File("copy");
        await AppendAsync("a");
        File.Copy(path, copy);
        for (int i = 0; i < 5; i++) await AppendAsync($"b{i}");
        File.Copy(copy, path, overwrite: true);
        for (int i = 0; i < 10; i++)                 // each dies before it has told anything; more than was lost is written meanwhile
        {
            Shop dies = await Shop.OpenAsync(path);
            await dies.AppendAsync($"c{i}");
            await dies.Store.AbandonAsync();
        }
        Shop reads = await Shop.OpenAsync(path);
        Assert.Contains("an older copy was put in its place", reads.Store.Loss, StringComparison.Ordinal);
        Assert.Equal(2, reads.Store.Generation);
        await reads.AppendAsync("d");
        await reads.Store.AbandonAsync();
        await using Shop next = await Shop.OpenAsync(path);
        Assert.Null(next.Store.Loss);

        async Task AppendAsync(string text)
        {
            await using Shop shop = await Shop.OpenAsync(path);
            await shop.AppendAsync(text);
        }
    }

    [Fact]
    public async Task AKilledOwnerOrAMissingLockFileIsNoLoss()
    {
        string path = directory.File("store.db");
        for (int i = 0; i < 5; i++)
        {
            Shop shop = await Shop.OpenAsync(path);
            Assert.Null(shop.Store.Loss);
            await shop.AppendAsync($"{i}");
            if (i % 2 == 0) await shop.Store.AbandonAsync();
            else await shop.DisposeAsync();
            if (i == 3) File.Delete(path + "-lock");
            if (i == 4) await File.WriteAllBytesAsync(path + "-lock", new byte[100]);
        }
        await using Shop last = await Shop.OpenAsync(path);
        Assert.Equal((null, 1), (last.Store.Loss, last.Store.Generation));
        Assert.Equal(5, (await last.ReadAsync()).Length);
    }
}
