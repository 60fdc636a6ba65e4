using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>A kill before the end of a transaction: the file contains no part of it.</summary>
public sealed class KillInTransactionTests : IDisposable
{
    private readonly TempDirectory directory = new();

    /// <remarks>
    /// A retry was once marked as in flight before the transaction had begun, so the mark was stored by itself. After a kill the partition
    /// did not count the retry, the store never leased it again, and an accepted item was lost.
    /// </remarks>
    [Fact]
    public async Task ARetryWhoseLeaseWasNotStoredIsLeasedAgain()
    {
        string path = directory.File("store.db"), copy = directory.File("copy.db");
        await using (Shop shop = await Shop.OpenAsync(path))
        {
            await shop.AppendAsync("a", "b");
            Entry[] first = await shop.LeaseAsync();
            await shop.CommitAsync(shop.Next() with
            {
                Deferred =
                [.. first.Select(entry => new RetryWrite(entry.Sequence, 1, TimeSpan.Zero, "node", "failed"))]
            });
            shop.Store.Probe = hasEnded =>
            {
                if (hasEnded) return;
                File.Copy(path, copy);
                File.Copy(path + "-wal", copy + "-wal");
            };
            Assert.Equal(2, (await shop.LeaseAsync()).Length);
            shop.Store.Probe = null;
        }

        await using Shop killed = await Shop.OpenAsync(copy);
        Assert.Empty((await killed.Store.CheckAsync()).Problems);
        Assert.Equal([2, 2], (await killed.LeaseAsync()).Select(entry => entry.Attempt));
    }

    [Fact]
    public async Task AChangeOutsideOfATransactionIsRefused()
    {
        await using Shop shop = await Shop.OpenAsync(directory.File("store.db"));
        Exception defect = await Assert.ThrowsAsync<InvalidOperationException>(
            () => shop.Store.WithDatabaseAsync(database => database.Sql("UPDATE sluice_part SET done = 0").Run()).AsTask());
        Assert.Contains("outside of a transaction", defect.Message, StringComparison.Ordinal);
    }

    public void Dispose() => directory.Dispose();
}
