using System.IO.Compression;
using Sluice.Tests.Delivery;

namespace Sluice.Sqlite.Tests;

/// <summary>Consecutors and flows continue from store files that earlier versions have written.</summary>
/// <remarks>
/// <c>SLUICE_WRITE_STORES=DIRECTORY</c> writes such a file with this version. Never rewrite an existing file: users have stores of that
/// version.
/// </remarks>
public class StoredHistoryTests
{
    [Theory]
    [InlineData("2026-11-23")]
    public async Task AFileOfAnEarlierVersionIsContinued(string written)
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
    public async Task AFileOfThisVersionIsContinued()
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
