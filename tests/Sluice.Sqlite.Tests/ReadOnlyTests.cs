using Sluice.Sqlite.Tests.Victims;
using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>A process reads a store file that another process has open. The other process may be killed meanwhile.</summary>
[StartsProcesses]
public sealed class ReadOnlyTests : IDisposable
{
    private static readonly GroupId Group = new("orders", "orders");
    private readonly TempDirectory directory = new();

    private string StorePath => directory.File("store.db");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AReaderSeesWhatTheOwnerWritesAndDoesNotDisturbIt()
    {
        var victim = new VictimProcess();
        await victim.CallAsync("open", StorePath, true, DateTimeOffset.UnixEpoch);
        await using (IStreamStore owner = RemoteStore.Over(victim))
        {
            await owner.OpenStreamAsync("orders", new() { Partitions = 2 }, Cancellation);
            await owner.AddGroupAsync(Group, StreamStart.First, Cancellation);
            await using IStreamStore reader = await SqliteStreamStore.OpenReadOnlyAsync(StorePath, null, Cancellation);
            long seen = await reader.WaitForChangeAsync("orders", -1, Cancellation);
            for (int number = 1; number <= 20; number++)
            {
                await AppendAsync(owner, number);
                seen = await reader.WaitForChangeAsync("orders", seen, Cancellation);
                Assert.Equal(number, (await reader.FindStreamAsync("orders", Cancellation))!.Groups[0].Outstanding);
            }
            Assert.Equal(20, (await PayloadsAsync(reader)).Count);
            Assert.Equal(["orders"], await reader.ListStreamsAsync("", Cancellation));
            Assert.Equal(2, (await reader.FindGroupAsync(Group, Cancellation))!.Partitions.Count);
            Assert.Empty((await reader.CheckAsync(Cancellation)).Problems);
        }
        await using SqliteStreamStore next = await SqliteStreamStore.OpenAsync(StorePath, Durability.Power, null, Cancellation);
        Assert.Equal((20, null), ((await PayloadsAsync(next)).Count, next.Loss));
    }

    [Fact]
    public async Task AReaderSeesAllThatWasAcknowledgedBeforeTheOwnerWasKilled()
    {
        var victim = new VictimProcess();
        await victim.CallAsync("open", StorePath, true, DateTimeOffset.UnixEpoch);
        IStreamStore owner = RemoteStore.Over(victim);
        await owner.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        for (int number = 1; number <= 5; number++) await AppendAsync(owner, number);
        await victim.KillAsync();

        await using (IStreamStore reader = await SqliteStreamStore.OpenReadOnlyAsync(StorePath, null, Cancellation))
            Assert.Equal([1, 2, 3, 4, 5], await PayloadsAsync(reader));
        await using SqliteStreamStore next = await SqliteStreamStore.OpenAsync(StorePath, Durability.Power, null, Cancellation);
        Assert.Equal([1, 2, 3, 4, 5], await PayloadsAsync(next));
    }

    [Fact]
    public async Task AReaderChangesNothingAndSaysSo()
    {
        await using SqliteStreamStore owner = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        await owner.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        await owner.AddGroupAsync(Group, StreamStart.First, Cancellation);
        await using IStreamStore reader = await StreamStores.OpenReadOnlyAsync($"sqlite:{StorePath}", Cancellation);

        foreach (Func<Task> change in (Func<Task>[])
        [
            () => AppendAsync(reader, 1), () => reader.RedriveAsync(Group, [1], Cancellation).AsTask(),
            () => reader.OpenStreamAsync("new", null, Cancellation).AsTask(),
            () => reader.DeleteStreamAsync("orders", Cancellation).AsTask(),
        ])
        {
            var refused = await Assert.ThrowsAsync<StreamStoreException>(change);
            Assert.Contains("is open for reading only", refused.Message, StringComparison.Ordinal);
            Assert.True(refused.IsPermanent);
        }
        Assert.Equal("orders", (await reader.OpenStreamAsync("orders", null, Cancellation)).Name);
        Assert.Null(await reader.FindStreamAsync("new", Cancellation));
    }

    [Fact]
    public async Task AReaderThatWasIdleKeepsReadersOfTheStoreThatHaveExpired()
    {
        var clock = new Sluice.Testing.TestClock();
        await using SqliteStreamStore owner = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, new() { Time = clock },
            Cancellation);
        await owner.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        await owner.OpenReaderAsync("orders", "reports", new() { IdleTimeout = TimeSpan.FromMinutes(1) }, Cancellation);
        await using IStreamStore reader = await SqliteStreamStore.OpenReadOnlyAsync(StorePath, new() { Time = clock }, Cancellation);
        Assert.Single((await reader.FindStreamAsync("orders", Cancellation))!.Readers);
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Single((await reader.FindStreamAsync("orders", Cancellation))!.Readers);
    }

    [Fact]
    public async Task WhatIsNoStoreIsRefusedAndNotCreated()
    {
        string missing = directory.File("missing.db");
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => SqliteStreamStore.OpenReadOnlyAsync(missing).AsTask());
        Assert.Contains("does not exist", failure.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(missing));

        string empty = directory.File("empty.db");
        await File.WriteAllBytesAsync(empty, [], Cancellation);
        failure = await Assert.ThrowsAsync<StreamStoreException>(() => SqliteStreamStore.OpenReadOnlyAsync(empty).AsTask());
        Assert.Contains("has no Sluice store", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, new FileInfo(empty).Length);
    }

    [Fact]
    public async Task ABackupOfAStoreInUseHasAllThatWasAcknowledged()
    {
        string copy = directory.File("copy.db");
        var victim = new VictimProcess();
        await victim.CallAsync("open", StorePath, true, DateTimeOffset.UnixEpoch);
        await using (IStreamStore owner = RemoteStore.Over(victim))
        {
            await owner.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
            for (int number = 1; number <= 5; number++) await AppendAsync(owner, number);
            await SqliteStreamStore.BackupAsync(StorePath, copy, Cancellation);
            await AppendAsync(owner, 6);
        }
        await using (IStreamStore reader = await SqliteStreamStore.OpenReadOnlyAsync(copy, null, Cancellation))
            Assert.Equal([1, 2, 3, 4, 5], await PayloadsAsync(reader));
        await using (SqliteStreamStore opened = await SqliteStreamStore.OpenAsync(copy, Durability.Power, null, Cancellation))
        {
            Assert.Equal([1, 2, 3, 4, 5], await PayloadsAsync(opened));
            Assert.Empty((await opened.CheckAsync(Cancellation)).Problems);
        }
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => SqliteStreamStore.BackupAsync(StorePath, copy).AsTask());
        Assert.Contains("exists already", failure.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(directory.Path, "*.partial"));
    }

    [Fact]
    public async Task ASecondBackupToOneTargetIsRefusedWhileTheFirstIsWritten()
    {
        await (await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation)).DisposeAsync();
        string copy = directory.File("copy.db");
        StreamStoreException? second = null;

        Backup.Write(StorePath, copy, Cancellation,
            () => second = Assert.Throws<StreamStoreException>(() => Backup.Write(StorePath, copy, Cancellation)));

        Assert.Contains("another backup writes there", second!.Message, StringComparison.Ordinal);
        Assert.Equal([copy], Directory.GetFiles(directory.Path, "copy.db*"));
    }

    [Fact]
    public async Task ABackupThatCannotBeWrittenLeavesNoFile()
    {
        await (await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation)).DisposeAsync();
        string folder = directory.File("copies"), copy = Path.Combine(folder, "copy.db");
        Directory.CreateDirectory(folder);

        // Another process takes the name while the copy is written.
        var failure = Assert.Throws<StreamStoreException>(
            () => Backup.Write(StorePath, copy, Cancellation, () => File.WriteAllText(copy, "foreign")));
        Assert.Contains($"could not be copied to {copy}", failure.Message, StringComparison.Ordinal);
        Assert.Equal([copy], Directory.GetFileSystemEntries(folder));
        Assert.Equal("foreign", await File.ReadAllTextAsync(copy, Cancellation));

        Assert.Contains("is a directory: give the copy the name", await RefusedAsync(folder), StringComparison.Ordinal);
        string missing = directory.File("missing/copy.db");
        Assert.Contains($"could not be copied to {missing}", await RefusedAsync(missing), StringComparison.Ordinal);
        Directory.CreateDirectory(directory.File("taken.db.partial"));
        Assert.Contains("could not be deleted", await RefusedAsync(directory.File("taken.db")), StringComparison.Ordinal);

        async Task<string> RefusedAsync(string target) => (await Assert.ThrowsAsync<StreamStoreException>(()
            => SqliteStreamStore.BackupAsync(StorePath, target, Cancellation).AsTask())).Message;
    }

    /// <remarks>SQLite takes the log that was left for that of the new file: the copy showed what was in the former one.</remarks>
    [Theory]
    [InlineData("-wal", true), InlineData("-wal", false)]
    [InlineData("-journal", true), InlineData("-journal", false)]
    public async Task ABackupIsRefusedBesideTheLogOfAFormerCopy(string log, bool isThereBefore)
    {
        await (await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation)).DisposeAsync();
        string copy = directory.File("copy.db");
        if (isThereBefore) Leave();

        var failure = Assert.Throws<StreamStoreException>(() => Backup.Write(StorePath, copy, Cancellation, Leave));

        Assert.StartsWith($"The file {copy}{log} is left of a former copy", failure.Message, StringComparison.Ordinal);
        Assert.Equal([copy + log], Directory.GetFiles(directory.Path, "copy.db*"));

        void Leave() => File.WriteAllText(copy + log, "of a former copy");
    }

    [Fact]
    public async Task ACopyThatIsCancelledOrHasTheNameOfADirectoryLeavesNoFile()
    {
        await using SqliteStreamStore owner = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        for (int number = 0; number < 300; number++)
            await owner.OpenStreamAsync($"stream-{number}", new() { Partitions = 1 }, Cancellation);
        string copy = directory.File("copy.db");
        Assert.ThrowsAny<OperationCanceledException>(() => Backup.Write(StorePath, copy, new CancellationToken(canceled: true)));
        var failure = await Assert.ThrowsAsync<StreamStoreException>(()
            => SqliteStreamStore.BackupAsync(StorePath, directory.Path).AsTask());
        Assert.Contains("is a directory", failure.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(directory.Path, "*copy*"));
        Assert.Empty(Directory.GetFiles(directory.Path, "*.partial"));
    }

    public void Dispose() => directory.Dispose();

    private static async Task AppendAsync(IStreamStore store, int number)
    {
        using var batch = new EntryBatch();
        batch.Add([(byte)number]);
        AppendResult appended = await store.AppendAsync(new("orders", $"sender-{number}", 0, 1, batch), Cancellation);
        Assert.Equal(AppendStatus.Accepted, appended.Status);
    }

    private static async Task<List<int>> PayloadsAsync(IStreamStore store)
    {
        List<int> payloads = [];
        int partitions = (await store.FindStreamAsync("orders", Cancellation))!.Options.Partitions;
        for (int partition = 0; partition < partitions; partition++)
        {
            ReadResult read = await store.ReadAsync(new("orders", partition, 1), Cancellation);
            payloads.AddRange(read.Entries.ToArray().Select(static entry => (int)entry.Payload.Span[0]));
        }
        return payloads;
    }
}
