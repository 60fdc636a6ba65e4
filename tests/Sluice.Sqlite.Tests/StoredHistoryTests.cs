using System.IO.Compression;
using Sluice.Tests.Delivery;

namespace Sluice.Sqlite.Tests;

/// <summary>Store files that earlier versions have written are read, and consecutors and flows go on from them.</summary>
/// <remarks><c>SLUICE_WRITE_STORES=DIRECTORY</c> writes such a file with this version. The files that are there are never written again:
/// they are what users have.</remarks>
public class StoredHistoryTests
{
    [Theory]
    [InlineData("2026-11-23")]
    public async Task AFileOfAnEarlierVersionGoesOn(string written)
    {
        using var directory = new TempDirectory();
        await using (FileStream packed = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Stores", $"{written}.db.gz")))
        await using (var unpacked = new GZipStream(packed, CompressionMode.Decompress))
        await using (FileStream file = File.Create(directory.File("store.db")))
            await unpacked.CopyToAsync(file, TestContext.Current.CancellationToken);
        await using var store = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process);
        await StoredHistory.GoOnAsync(store);
    }

    [Fact]
    public async Task AFileOfThisVersionGoesOn()
    {
        using var directory = new TempDirectory();
        await using (var store = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process))
            await StoredHistory.BeginAsync(store);
        if (Environment.GetEnvironmentVariable("SLUICE_WRITE_STORES") is { Length: > 0 } target)
        {
            await using FileStream file = File.OpenRead(directory.File("store.db"));
            await using var packed = new GZipStream(File.Create(Path.Combine(target, $"{DateTime.UtcNow:yyyy-MM-dd}.db.gz")),
                CompressionLevel.SmallestSize);
            await file.CopyToAsync(packed, TestContext.Current.CancellationToken);
        }
        await using var again = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Process);
        await StoredHistory.GoOnAsync(again);
    }
}
