using Sluice.Sqlite.Tests.Victims;
using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

[StartsProcesses]
public sealed class OpeningTests : IDisposable
{
    private readonly TempDirectory directory = new();

    [Fact]
    public async Task AStoreCanBeOpenedOnlyOnceAtATime()
    {
        string path = directory.File("store.db");
        var victim = new VictimProcess();
        await victim.CallAsync("open", path, false, DateTimeOffset.UnixEpoch);
        var failure = await Assert.ThrowsAsync<StoreInUseException>(() => SqliteStreamStore.OpenAsync(path, Durability.Process).AsTask());
        Assert.Contains($"The store {path} is open already", failure.Message, StringComparison.Ordinal);
        Assert.Contains("end the other process, or share one store object", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
        await victim.KillAsync();

        await using (Shop shop = await Shop.OpenAsync(path))
        {
            File.CreateSymbolicLink(directory.File("link.db"), path);
            await Assert.ThrowsAsync<StoreInUseException>(() => SqliteStreamStore.OpenAsync(path, Durability.Process).AsTask());
            await Assert.ThrowsAsync<StoreInUseException>(() => SqliteStreamStore.OpenAsync(directory.File("link.db"), Durability.Process)
                .AsTask());
            await shop.AppendAsync("still mine");
        }
        await using Shop again = await Shop.OpenAsync(path);
        Assert.Equal(["still mine"], await again.ReadAsync());
    }

    /// <remarks>Both wrote whole rows from memory: the acquisition of the second was gone, and both settled the same items.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]                               // both append: their blocks collide first
    public async Task AWriterThatFindsAnotherOneInItsFileWritesNothingMore(bool bothAppend)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A lock that is held cannot be deleted there.");
        string path = directory.File("store.db");
        await using Shop first = await Shop.OpenAsync(path);
        await first.AppendAsync("a");
        File.Delete(path + "-lock");
        await using Shop second = await Shop.OpenAsync(path);
        if (bothAppend) await second.AppendAsync("b");
        for (int i = 0; i < 2; i++)
        {
            var failure = await Assert.ThrowsAsync<StreamStoreException>(() => first.AppendAsync("d"));
            Assert.Contains($"Another process writes to the store {path}, too. Nothing of this call is stored", failure.Message,
                StringComparison.Ordinal);
            Assert.True(failure.IsPermanent);
        }
        await second.AppendAsync("c");
        Assert.Equal(bothAppend ? ["a", "b", "c"] : ["a", "c"], await second.ReadAsync());
    }

    [Fact]
    public async Task ALockFileThatMayNotBeWrittenIsNamed()
    {
        string path = directory.File("store.db");
        Directory.CreateDirectory(path + "-lock");   // as access is denied to the file of another user
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => SqliteStreamStore.OpenAsync(path, Durability.Process).AsTask());
        Assert.Contains($"this user may not write its lock, {path}-lock", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADirectoryIsRefusedAndNothingIsWrittenBesideIt()
    {
        string path = Directory.CreateDirectory(directory.File("orders")).FullName;
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => SqliteStreamStore.OpenAsync(path, Durability.Process).AsTask());
        Assert.Contains("it is a directory. Give the path of a file, such as ", failure.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Theory]
    [InlineData("Data Source=orders.db;Password=secret", "give the path of the file alone")]
    [InlineData("filename=orders.db", "give the path of the file alone")]
    [InlineData("file:orders.db", "give the path of the file alone")]
    [InlineData("redis:localhost:6379,password=secret", "RedisStreamStore.ConnectAsync")]
    [InlineData("sqlite:orders.db", "Leave out 'sqlite:'")]
    [InlineData(":memory:", "MemoryStreamStore")]
    public void WhatIsNoPathIsRefused(string path, string advice)
    {
        var failure = Assert.Throws<ArgumentException>(() => { _ = SqliteStreamStore.OpenAsync(path, Durability.Process); });
        Assert.Contains(advice, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task AnExistingFileWithSuchANameIsOpened()
    {
        string path = "sqlite:" + Path.GetFileName(directory.File("kept.db"));       // as an earlier version has made it
        await File.WriteAllBytesAsync(path, []);
        try
        {
            await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process);
            Assert.Equal(Path.GetFullPath(path), store.Path);
        }
        finally
        {
            foreach (string file in Directory.GetFiles(".", path + "*")) File.Delete(file);
        }
    }

    [Fact]
    public async Task ANewerSchemaIsRefusedAndLeftAlone()
    {
        string path = directory.File("store.db");
        await using (Shop shop = await Shop.OpenAsync(path))
            await shop.Store.WithDatabaseAsync(database => database.Execute("UPDATE sluice_meta SET version = 99"));
        byte[] before = await File.ReadAllBytesAsync(path);
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => SqliteStreamStore.OpenAsync(path, Durability.Process).AsTask());
        Assert.Contains("schema version 99", failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(path));
    }

    /// <remarks>Formerly it could be copied only when there was no way back, and an operator upgraded it under its service.</remarks>
    [Fact]
    public async Task AFileOfAnEarlierVersionIsCopiedAndNoOperatorUpgradesIt()
    {
        string path = directory.File("store.db"), copy = directory.File("copy.db");
        await using (Shop shop = await Shop.OpenAsync(path))
        {
            await shop.AppendAsync("a");
            await shop.Store.WithDatabaseAsync(database =>
            {
                database.Execute("ALTER TABLE sluice_group DROP COLUMN draining");
                database.Execute("UPDATE sluice_meta SET version = 6");
            });
        }
        byte[] before = await File.ReadAllBytesAsync(path);
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => SqliteStreamStore.OpenToChangeAsync(path).AsTask());
        Assert.Contains("has the schema version 6, and must be upgraded to 7", failure.Message, StringComparison.Ordinal);
        await SqliteStreamStore.BackupAsync(path, copy);
        Assert.Equal(before, await File.ReadAllBytesAsync(path));
        using (Database copied = Database.Open(copy, readOnly: true)) Assert.Equal("6", copied.Ask("SELECT version FROM sluice_meta"));
        await using Shop restored = await Shop.OpenAsync(copy);
        Assert.Equal(["a"], await restored.ReadAsync());
        string empty = directory.File("empty.db");
        await File.WriteAllBytesAsync(empty, []);
        failure = await Assert.ThrowsAsync<StreamStoreException>(() => SqliteStreamStore.OpenToChangeAsync(empty).AsTask());
        Assert.Contains("has no Sluice store", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileThatIsNoDatabaseIsRefusedAndLeftAlone()
    {
        string path = directory.File("notes.txt");
        await File.WriteAllTextAsync(path, new string('x', 5000));
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => SqliteStreamStore.OpenAsync(path, Durability.Process).AsTask());
        Assert.Contains($"{path} is no SQLite database", failure.Message, StringComparison.Ordinal);
        Assert.Equal(5000, new FileInfo(path).Length);
        failure = await Assert.ThrowsAsync<StreamStoreException>(() => SqliteStreamStore.OpenAsync(directory.File("no/such/store.db"),
            Durability.Process).AsTask());
        Assert.Contains("directory does not exist", failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => SqliteStreamStore.OpenAsync(path, Durability.Memory).AsTask());
    }

    [Fact]
    public async Task AnotherProgramsTablesStayInTheFile()
    {
        string path = directory.File("store.db");
        await using (Shop shop = await Shop.OpenAsync(path))
        {
            await shop.Store.ExecuteAsync(new SqliteWrites().Add("CREATE TABLE mine(x)").Add("INSERT INTO mine VALUES(?)", 7));
            await shop.AppendAsync("a");
        }
        await using Shop again = await Shop.OpenAsync(path);
        await again.Store.WithDatabaseAsync(database => Assert.Equal("7", database.Ask("SELECT x FROM mine")));
    }

    [Fact]
    public async Task AReadOnlyFileSystemIsReported()
    {
        using Mount? mount = Mount.Try(directory.File("disk"), "size=8m");
        Assert.SkipWhen(mount is null, "Only root can mount a file system, and others can be kept out by permissions: run as root.");
        string path = Path.Combine(mount.Path, "store.db");
        await using (Shop shop = await Shop.OpenAsync(path)) await shop.AppendAsync("a");
        mount.Remount("ro");
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => SqliteStreamStore.OpenAsync(path, Durability.Process).AsTask());
        Assert.Contains("read-only", failure.Message, StringComparison.Ordinal);
        mount.Remount("rw");
        await using Shop again = await Shop.OpenAsync(path);
        Assert.Equal(["a"], await again.ReadAsync());
    }

    public void Dispose() => directory.Dispose();
}
