using Sluice.Diagnostics;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Torture.Tests;

/// <summary>Faults other than kills that a consecutor over a SQLite store survives.</summary>
public sealed class FaultTests : IDisposable
{
    private static readonly DeliveryGuarantee ReplayOnce = DeliveryGuarantee.Replay(1, Backoff.Constant(TimeSpan.FromMilliseconds(1)));

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-faults-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Delete(recursive: true);

    [Fact]
    public async Task AHandlerThatHangsTimesOutAndTheOthersComplete()
    {
        ConsecutorSnapshot books = await RunAsync(source => source | HangAsync | Stage.Timeout(TimeSpan.FromSeconds(3))
            | (static (int _) => { }), DeliveryGuarantee.Replay(0));

        Assert.Equal((9, 1, 0), (books.Completed, books.Dead, books.Unaccounted));

        static async Task<int> HangAsync(int item, CancellationToken cancellation)
        {
            if (item == 4) await Task.Delay(Timeout.Infinite, cancellation);
            return item;
        }
    }

    [Fact]
    public async Task ANodeThatRunsOutOfMemoryFailsItsItemOnly()
    {
        ConsecutorSnapshot books = await RunAsync(source => source | (static (int item) =>
        {
            if (item == 4) GC.KeepAlive(new byte[int.MaxValue]);        // longer than the longest array: out of memory on every machine
        }), ReplayOnce);

        Assert.Equal((9, 1, 0), (books.Completed, books.Dead, books.Unaccounted));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task ReplaysContinueAfterAClockJumpOfAnHour(int hours)
    {
        var clock = new JumpingClock();
        var starts = 0;
        await using SqliteStreamStore store = await OpenAsync(new() { Time = clock });
        await using var consecutor = new Consecutor<int>("work", source => source | (_ =>
        {
            if (Interlocked.Increment(ref starts) > 2) return;
            clock.Jump(TimeSpan.FromHours(hours));
            throw new InvalidOperationException("twice");
        }), new() { Store = store, Delivery = DeliveryGuarantee.Replay(2, Backoff.Constant(TimeSpan.FromMilliseconds(20))) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);

        ConsecutorSnapshot books = await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal((3, 1L), (starts, books.Completed));
    }

    [Fact]
    public async Task ItemsForAnUnknownNodeAreParkedUntilNewerCodeStarts()
    {
        await using SqliteStreamStore store = await OpenAsync();
        var options = new ConsecutorOptions { Store = store, Delivery = DeliveryGuarantee.Replay(0) };
        await using (var newer = new Consecutor<int>("work",
            source => source | (static n => n + 1) | Fail | Stage.Named("new") | (static (int _) => { }), options))
        {
            await newer.StartAsync(Cancellation);
            await newer.SendAsync(1, Cancellation);
            Assert.Equal(1, (await newer.WaitForIdleAsync(Cancellation)).Dead);
        }
        StoredDeadLetter letter = Assert.Single(await store.ListDeadAsync(new("work", "work"), cancellation: Cancellation));
        Assert.Equal(1, await store.RedriveAsync(new("work", "work"), [letter.Number], Cancellation));

        await using (var older = new Consecutor<int>("work", source => source | (static n => n + 1) | (static (int _) => { }), options))
        {
            await older.StartAsync(Cancellation);
            await older.SendAsync(2, Cancellation);
            while (older.Snapshot() is { Parked: 0 } or { Completed: 0 }) await Task.Yield();
            ConsecutorSnapshot books = older.Snapshot();
            Assert.Equal((1, 1, false, 0), (books.Parked, books.Completed, books.IsIdle, books.Unaccounted));
            WaitingEntry waiting = Assert.Single(await FindParkedAsync(store));
            Assert.Contains("no node 'new'", waiting.Error, StringComparison.Ordinal);
        }

        var arrived = 0;
        await using var newest = new Consecutor<int>("work",
            source => source | (static n => n + 1) | (n => arrived += n) | Stage.Named("new") | (static (int _) => { }), options);
        await newest.StartAsync(Cancellation);
        Assert.Equal(2, (await newest.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal(2, arrived);

        static int Fail(int item) => throw new InvalidOperationException($"{item}");
    }

    [Fact]
    public async Task AFullDiskRefusesItemsWithAnErrorAndLosesNothing()
    {
        using Mount? mount = Mount.Try(Path.Combine(directory.FullName, "disk"), "size=6m");
        Assert.SkipWhen(mount is null, "Only root can mount a small file system.");
        string filler = Path.Combine(mount.Path, "filler");
        await File.WriteAllBytesAsync(filler, new byte[2 << 20], Cancellation);
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(Path.Combine(mount.Path, "work.db"), Durability.Process,
            new() { MaxLogBytes = 64 << 10 }, Cancellation);
        var seen = 0;
        await using var consecutor = new Consecutor<string>("work", source => source | (_ => { Interlocked.Increment(ref seen); }),
            new() { Store = store });
        var accepted = 0;
        StreamStoreException? full = null;
        for (string text = new('x', 1000); full is null; accepted++)
        {
            try
            {
                await consecutor.SendAsync(text, Cancellation);          // the consecutor is not started, so the store only grows
            }
            catch (StreamStoreException e)
            {
                full = e;
                break;
            }
        }
        Assert.Contains("no room left", full!.Message, StringComparison.Ordinal);
        Assert.InRange(accepted, 100, 10_000);
        File.Delete(filler);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync("there is room again", Cancellation);

        ConsecutorSnapshot books = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((accepted + 1, accepted + 1, 0), (books.Accepted, books.Completed, books.Unaccounted));
        Assert.Equal(accepted + 1, seen);
    }

    [Fact]
    public async Task AnItemIsReplayedAfterAnOutOfMemoryException()
    {
        var starts = 0;
        ConsecutorSnapshot books = await RunAsync(source => source | ((int item) =>
        {
            if (item == 4 && Interlocked.Increment(ref starts) == 1) throw new OutOfMemoryException();
        }), ReplayOnce);

        Assert.Equal((10, 0, 0, 2), (books.Completed, books.Dead, books.Unaccounted, starts));
    }

    [Fact]
    public async Task ARestoredBackupIsDetectedAndMissingItemsAreSentAgain()
    {
        List<(int Item, string Id)> seen = [];
        string path = Path.Combine(directory.FullName, "work.db");
        Assert.Null((await ProduceAsync(50)).Loss);
        File.Copy(path, path + ".backup");
        Assert.Null((await ProduceAsync(100)).Loss);
        File.Move(path + ".backup", path, overwrite: true);
        File.Delete(path + "-wal");

        ConsecutorSnapshot books = await ProduceAsync(100);

        Assert.Contains("an older copy was put in its place", books.Loss, StringComparison.Ordinal);
        Assert.Equal((100, 100, 0), (books.Accepted, books.Completed, books.Unaccounted));
        Assert.Equal(150, seen.Count);
        Assert.Equal(150, seen.Select(entry => entry.Id).Distinct().Count());          // repeated items have new ids
        Assert.Null((await ProduceAsync(100)).Loss);

        async Task<ConsecutorSnapshot> ProduceAsync(int count)
        {
            await using SqliteStreamStore store = await OpenAsync();
            await using var consecutor = new Consecutor<int>("work",
                source => source.ForEachAsync((int item, ItemContext context, CancellationToken _) =>
            {
                seen.Add((item, context.Id));
                return default;
            }), new() { Store = store });
            await consecutor.StartAsync(Cancellation);
            await (Source.Resumable("numbers", Enumerable.Range(0, count)) | consecutor).RunAsync(cancellation: Cancellation);
            return await consecutor.WaitForIdleAsync(Cancellation);
        }
    }

    private static async Task<List<WaitingEntry>> FindParkedAsync(SqliteStreamStore store)
    {
        List<WaitingEntry> parked = [];
        for (int partition = 0; partition < StreamOptions.DefaultPartitions; partition++)
            parked.AddRange((await store.ListWaitingAsync(new("work", "work"), partition, cancellation: Cancellation)).Where(entry =>
                entry.Status == WaitingStatus.Parked));
        return parked;
    }

    private async Task<ConsecutorSnapshot> RunAsync(Func<Source<int>, Pipeline> body, DeliveryGuarantee delivery)
    {
        await using SqliteStreamStore store = await OpenAsync();
        await using var consecutor = new Consecutor<int>("work", body, new() { Store = store, Delivery = delivery });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. Enumerable.Range(0, 10)], Cancellation);
        return await consecutor.WaitForIdleAsync(Cancellation);
    }

    private async Task<SqliteStreamStore> OpenAsync(SqliteStoreOptions? options = null)
        => await SqliteStreamStore.OpenAsync(Path.Combine(directory.FullName, "work.db"), Durability.Process, options, Cancellation);

    /// <summary>A clock whose wall time jumps. Its monotonic time does not.</summary>
    private sealed class JumpingClock : TimeProvider
    {
        private long offset;

        public void Jump(TimeSpan by) => Interlocked.Add(ref offset, by.Ticks);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref offset));
    }
}
