using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>A store names the damaged partition whose letters it refuses, also for another process: the others can be redriven.</summary>
public sealed class DamagedPartitionTests : IDisposable
{
    private static readonly GroupId Group = new("words", "words");

    private readonly TempDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARedriveNamesTheDamagedPartition()
    {
        string path = directory.File("store.db");
        await using (SqliteStreamStore filled = await SqliteStreamStore.OpenAsync(path, Durability.Process, null, Cancellation))
        await using (Consecutor<string> words = Words(filled))
        {
            await words.StartAsync(Cancellation);
            for (int n = 1; n <= 20; n++) await words.SendAsync($"word {n}", Cancellation);          // to both partitions
            Assert.Equal(20, (await words.WaitForIdleAsync(Cancellation)).Dead);
        }
        using (Database database = Database.Open(path)) database.Execute("UPDATE sluice_part SET done = done + 1 WHERE part = 1");

        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, null, Cancellation);
        await using IStreamStore other = await SqliteStreamStore.OpenToChangeAsync(path, null, Cancellation);
        IReadOnlyList<StoredDeadLetter> letters = await store.ListDeadAsync(Group, cancellation: Cancellation);
        int left = letters.Count(static letter => letter.Partition == 1);
        Assert.InRange(left, 1, 19);
        foreach (IStreamStore asked in (IStreamStore[])[store, other])
        {
            var refused = await Assert.ThrowsAsync<StreamStoreException>(
                () => asked.RedriveAsync(Group, [.. letters.Select(static letter => letter.Number)], Cancellation).AsTask());
            Assert.Equal(("words", 1, true), (refused.Stream, refused.Partition, refused.IsPermanent));
            Assert.Contains("The partition 1 of words:words is damaged", refused.Message, StringComparison.Ordinal);
        }
        await using Consecutor<string> again = Words(store);
        Assert.Equal(20 - left, await again.RedriveAsync(static _ => true, Cancellation));
    }

    /// <remarks>One thread looks at all that are acquired together.</remarks>
    [Fact]
    public async Task OfPartitionsThatAreAcquiredTogetherOnlyTheDamagedOneIsRefused()
    {
        const int Partitions = 300, Damaged = 123, GivenUp = 200;
        string path = directory.File("store.db");
        var former = new long[Partitions];
        await using (SqliteStreamStore filled = await SqliteStreamStore.OpenAsync(path, Durability.Process, null, Cancellation))
        {
            await filled.OpenStreamAsync("words", new() { Partitions = Partitions }, Cancellation);
            await filled.AddGroupAsync(Group, cancellation: Cancellation);
            for (int number = 0; number < Partitions; number++)
                former[number] = (await filled.AcquireAsync(Group, number, new("former"), Cancellation)).Ownership.Epoch;
        }
        using (Database database = Database.Open(path)) database.Execute($"UPDATE sluice_part SET done = done + 1 WHERE part = {Damaged}");

        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, null, Cancellation);
        using CancellationTokenSource giveUp = new();
        await giveUp.CancelAsync();
        Task<AcquireResult>[] acquiring = [.. Enumerable.Range(0, Partitions).Select(number => Task.Run(() => AcquireAsync(number,
            number == GivenUp ? giveUp.Token : Cancellation), Cancellation))];
        var refused = await Assert.ThrowsAsync<StreamStoreException>(() => acquiring[Damaged]);
        Assert.Equal(("words", Damaged, true), (refused.Stream, refused.Partition, refused.IsPermanent));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => acquiring[GivenUp]);
        foreach ((int number, Task<AcquireResult> one) in acquiring.Index())
            if (number is not (Damaged or GivenUp)) Assert.Equal(AcquireStatus.Taken, (await one).Status);
        Assert.Equal(AcquireStatus.Taken, (await AcquireAsync(GivenUp, Cancellation)).Status);

        Task<AcquireResult> AcquireAsync(int number, CancellationToken cancellation)
            => store.AcquireAsync(Group, number, new("me") { ExpectedEpoch = former[number] }, cancellation).AsTask();
    }

    /// <remarks>A look has a connection of its own, and SQLite empties the log at the end of the last one that may write.</remarks>
    [Fact]
    public async Task NothingOfTheLogIsLeftIfAStoreIsDisposedInTheMiddleOfAcquisitions()
    {
        const int Partitions = 50;
        string path = directory.File("store.db");
        for (int round = 0; round < 20; round++)
        {
            SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, null, Cancellation);
            await store.OpenStreamAsync($"words{round}", new() { Partitions = Partitions }, Cancellation);
            GroupId group = new($"words{round}", "words");
            await store.AddGroupAsync(group, cancellation: Cancellation);
            Task<AcquireResult>[] acquiring = [.. Enumerable.Range(0, Partitions)
                .Select(number => store.AcquireAsync(group, number, new("me"), Cancellation).AsTask())];
            if (round % 2 == 1) await acquiring[round];
            await store.DisposeAsync();
            foreach (Task<AcquireResult> one in acquiring)
                try
                {
                    Assert.Equal(AcquireStatus.Taken, (await one).Status);
                }
                catch (ObjectDisposedException)
                {
                    // Its turn was behind the disposal.
                }
            Assert.Equal([path], Directory.GetFiles(directory.Path, "store.db*").Where(static file => !file.EndsWith("-lock",
                StringComparison.Ordinal)));
        }
    }

    public void Dispose() => directory.Dispose();

    private static Consecutor<string> Words(IStreamStore store) => new("words", source => source | (_ => throw new FormatException()), new()
    {
        Store = store,
        Delivery = DeliveryGuarantee.Replay(0),
        Stream = new() { Partitions = 2 },
        OnWarning = static _ => { },
    });
}
