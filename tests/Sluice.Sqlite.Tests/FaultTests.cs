using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

[StartsProcesses]
public sealed class FaultTests : IDisposable
{
    private const int IoErrorFsync = 10 | (4 << 8);
    private readonly TempDirectory directory = new();

    [Fact]
    public async Task AFullDiskLosesNothingAndTheStoreContinuesOnceThereIsRoom()
    {
        using Mount? mount = Mount.Try(directory.File("disk"), "size=7m");
        Assert.SkipWhen(mount is null, "Only root can mount a small file system.");
        string filler = Path.Combine(mount.Path, "filler");
        // removing all entries in one transaction needs about half of their size in the log
        await File.WriteAllBytesAsync(filler, new byte[3 << 20]);
        await using Shop shop = await Shop.OpenAsync(Path.Combine(mount.Path, "store.db"), options: new() { MaxLogBytes = 64 << 10 });
        int accepted = await FillAsync(shop);
        File.Delete(filler);
        await GoOnAsync(shop, accepted);
    }

    [Fact]
    public async Task AFileSizeLimitLosesNothingAndTheStoreContinuesAfterwards()
    {
        await using Shop shop = await Shop.OpenAsync(directory.File("store.db"));
        await shop.Store.WithDatabaseAsync(database => database.Ask("PRAGMA max_page_count = 300"));
        int accepted = await FillAsync(shop);
        await shop.Store.WithDatabaseAsync(database => database.Ask("PRAGMA max_page_count = 1000000"));
        await GoOnAsync(shop, accepted);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheOutcomeOfATransactionIsFoundOutAfterAnIoError(bool isStored)
    {
        await using Shop shop = await Shop.OpenAsync(directory.File("store.db"));
        await shop.AppendAsync("before");
        bool hasFailed = false;
        shop.Store.Probe = hasEnded =>
        {
            if (hasEnded != isStored || hasFailed) return;
            hasFailed = true;
            throw new SqliteFailure(IoErrorFsync, "disk I/O error");
        };
        if (isStored)
        {
            await shop.AppendAsync("in doubt");
        }
        else
        {
            var failure = await Assert.ThrowsAsync<StreamStoreException>(() => shop.AppendAsync("in doubt"));
            Assert.Contains("Nothing of this call is stored", failure.Message, StringComparison.Ordinal);
        }
        await shop.AppendAsync("after");
        Assert.True(hasFailed);
        Assert.Equal(isStored ? ["before", "in doubt", "after"] : ["before", "after"], await shop.ReadAsync());
    }

    [Fact]
    public async Task ADamagedEntryIsNamedAndTheOthersAreReadable()
    {
        string path = directory.File("store.db");
        await using (Shop shop = await Shop.OpenAsync(path))
            for (int i = 1; i <= 3; i++) await shop.AppendAsync($"entry {i}a", $"entry {i}b");
        byte[] file = await File.ReadAllBytesAsync(path);
        int at = file.AsSpan().IndexOf("entry 2b"u8);
        file[at + 3] ^= 0x10;
        await File.WriteAllBytesAsync(path, file);

        await using Shop damaged = await Shop.OpenAsync(path);
        Assert.Equal(["entry 1a", "entry 1b", "entry 2a"], await damaged.ReadAsync());
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => damaged.Store.ReadAsync(new("orders", 0, 4)).AsTask());
        Assert.Equal(("orders", 0, 4L), (failure.Stream, failure.Partition, failure.Sequence));
        Assert.Contains("orders/0/4", failure.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3, 5, 6], (await damaged.LeaseAsync()).Select(static entry => entry.Sequence));
        Assert.Equal(2, (await damaged.Store.ReadAsync(new("orders", 0, 5))).Entries.Length);
        IntegrityReport report = await damaged.Store.CheckAsync();
        Assert.Equal(6, report.Entries);
        Assert.Contains("orders/0/4", Assert.Single(report.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFailingCallDoesNotFailOthersInItsTransaction()
    {
        await using Shop shop = await Shop.OpenAsync(directory.File("store.db"));
        var held = new TaskCompletionSource();
        shop.Store.Probe = _ => held.Task.Wait();    // all calls arrive while the first one is being written
        Task first = shop.AppendAsync("first");
        using EntryBatch batch = Shop.Batch("x");
        Task<AppendResult>[] good = [.. Enumerable.Range(0, 5)
            .Select(i => shop.Store.AppendAsync(new("orders", $"q{i}", 0, 1, batch)).AsTask())];
        Task bad = shop.Store.ExecuteAsync(new SqliteWrites().Add("CREATE TABLE t(x)").Add("INSERT INTO nowhere VALUES(1)")).AsTask();
        Task worse = shop.Store.WithDatabaseAsync(database => throw new SqliteFailure(13, "database or disk is full")).AsTask();
        held.SetResult();
        await first;
        Assert.All(await Task.WhenAll(good), result => Assert.Equal(AppendStatus.Accepted, result.Status));
        Assert.Contains("nowhere", (await Assert.ThrowsAsync<StreamStoreException>(() => bad)).Message, StringComparison.Ordinal);
        Assert.Contains("no room left", (await Assert.ThrowsAsync<StreamStoreException>(() => worse)).Message, StringComparison.Ordinal);
        Assert.Equal(6, (await shop.ReadAsync()).Length);
        await shop.Store.WithDatabaseAsync(database => Assert.Null(database.Ask("SELECT name FROM sqlite_master WHERE name = 't'")));
    }

    /// <summary>A failed call makes the store read the file again. Damage that it finds fails calls; the store does not end.</summary>
    [Theory]
    [InlineData("UPDATE sluice_meta SET sum = sum + 1", "UPDATE sluice_meta SET sum = sum - 1", "does not match its checksum")]
    [InlineData("UPDATE sluice_stream SET name = 'lost' WHERE name = 'results'",
        "UPDATE sluice_stream SET name = 'results' WHERE name = 'lost'", "has lost the row of a stream or of a group")]
    public async Task DamageThatIsFoundAfterARollbackFailsCallsUntilItIsMended(string damage, string mend, string words)
    {
        string path = directory.File("store.db");
        await using Shop shop = await Shop.OpenAsync(path);
        await shop.AppendAsync("before");
        using Database other = Database.Open(path);
        other.Execute(damage);
        await Assert.ThrowsAsync<StreamStoreException>(()
            => shop.Store.WithDatabaseAsync(_ => throw new SqliteFailure(13, "database or disk is full")).AsTask());
        int open = OpenFiles(path);
        for (int i = 0; i < 5; i++)
            Assert.Contains(words, (await Assert.ThrowsAsync<StreamStoreException>(() => shop.AppendAsync("damaged"))).Message,
                StringComparison.Ordinal);
        Assert.InRange(OpenFiles(path), 0, open);
        other.Execute(mend);
        await shop.AppendAsync("after");
        Assert.Equal(["before", "after"], await shop.ReadAsync());
    }

    [Fact]
    public async Task AStoreThatCannotBeOpenedLeavesNoFileOpen()
    {
        string path = directory.File("store.db");
        await using (Shop shop = await Shop.OpenAsync(path)) await shop.AppendAsync("before");
        using (Database other = Database.Open(path)) other.Execute("UPDATE sluice_meta SET sum = sum + 1");
        await Assert.ThrowsAsync<StreamStoreException>(() => Shop.OpenAsync(path));
        Assert.Equal(0, OpenFiles(path));
    }

    public void Dispose() => directory.Dispose();

    private static int OpenFiles(string path) => !OperatingSystem.IsLinux() ? 0
        : Directory.GetFiles("/proc/self/fd").Select(static file => new FileInfo(file).LinkTarget ?? "")
            .Count(target => target.StartsWith(path, StringComparison.Ordinal));

    private static async Task<int> FillAsync(Shop shop)
    {
        string payload = new('x', 1000);
        for (int accepted = 0; ; accepted++)
            try
            {
                await shop.AppendAsync(payload);
            }
            catch (StreamStoreException failure)
            {
                Assert.Contains("no room left", failure.Message, StringComparison.Ordinal);
                Assert.InRange(accepted, 100, 10_000);
                await Assert.ThrowsAsync<StreamStoreException>(() => shop.AppendAsync(new string('y', 100_000)));
                return accepted;
            }
    }

    private static async Task GoOnAsync(Shop shop, int accepted)
    {
        await shop.AppendAsync("there is room again");
        Assert.Equal(accepted + 1, (await shop.ReadAsync()).Length);
        await shop.SettleAllAsync();
        Assert.Equal(0, (await shop.Store.FindStreamAsync("orders"))!.Items);
        Assert.Empty((await shop.Store.CheckAsync()).Problems);
    }
}
