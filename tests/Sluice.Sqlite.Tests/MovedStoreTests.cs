using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>A store refuses to write when another program has deleted, moved or replaced its file. SQLite would go on with the old file,
/// and the items that the store acknowledges would be gone with the process.</summary>
public sealed class MovedStoreTests : IDisposable
{
    private readonly TempDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string FilePath => directory.File("store.db");

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NothingIsAcceptedWhileTheFileIsMovedAway(bool isReplaced)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "An open file cannot be moved there.");
        await using SqliteStreamStore store = await OpenAsync();
        await store.OpenStreamAsync("before", cancellation: Cancellation);
        File.Move(FilePath, FilePath + ".away");
        if (isReplaced) await File.WriteAllTextAsync(FilePath, "", Cancellation);

        Task[] calls = [.. Enumerable.Range(0, 3).Select(n
            => store.OpenStreamAsync($"meanwhile-{n}", cancellation: Cancellation).AsTask())];
        foreach (Task call in calls)
        {
            var failure = await Assert.ThrowsAsync<StreamStoreException>(() => call);
            Assert.StartsWith($"The file {FilePath} was deleted, moved or replaced while the store is open. Nothing of this call is "
                + "stored.", failure.Message, StringComparison.Ordinal);
        }
        Assert.Equal(["before"], await store.ListStreamsAsync("", Cancellation));

        File.Move(FilePath + ".away", FilePath, overwrite: true);
        await store.OpenStreamAsync("after", cancellation: Cancellation);
        Assert.Equal(["after", "before"], (await store.ListStreamsAsync("", Cancellation)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task NothingIsAcceptedAfterTheFilesWereDeleted()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "An open file cannot be deleted there.");
        await using SqliteStreamStore store = await OpenAsync();
        await store.OpenStreamAsync("before", cancellation: Cancellation);
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(FilePath)!, "store.db*")) File.Delete(file);

        var failure = await Assert.ThrowsAsync<StreamStoreException>(()
            => store.OpenStreamAsync("after", cancellation: Cancellation).AsTask());

        Assert.StartsWith($"The file {FilePath} was deleted, moved or replaced while the store is open.", failure.Message,
            StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(FilePath)!, "store.db"));
    }

    private Task<SqliteStreamStore> OpenAsync() => SqliteStreamStore.OpenAsync(FilePath, Durability.Process, null, Cancellation).AsTask();
}
