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
