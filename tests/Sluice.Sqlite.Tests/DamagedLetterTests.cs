using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>A dead letter that is damaged itself keeps no other one from being read and redriven.</summary>
public sealed class DamagedLetterTests : IDisposable
{
    private readonly TempDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARedriveLeavesADamagedLetterOut()
    {
        string path = directory.File("store.db");
        bool isMended = false;
        ConcurrentQueue<string> warnings = [];
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, null, Cancellation);
        await using var words = new Consecutor<string>("words", source => source | (word =>
        {
            if (!isMended) throw new FormatException($"not {word}");
        }), new()
        {
            Store = store,
            Delivery = DeliveryGuarantee.Replay(0),
            Stream = new() { Partitions = 1 },
            OnWarning = warnings.Enqueue,
        });
        await words.StartAsync(Cancellation);
        foreach (string word in (string[])["first", "second", "third"]) await words.SendAsync(word, Cancellation);
        Assert.Equal(3, (await words.WaitForIdleAsync(Cancellation)).Dead);
        Damage(path, "second"u8);

        List<DeadLetter> letters = await words.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation);
        Assert.Equal(["first", null, "third"], letters.Select(static letter => letter.Item));
        Assert.Equal(["FormatException: not first", "FormatException: not second", "FormatException: not third"],
            letters.Select(static letter => letter.Error));
        isMended = true;
        Assert.Equal(2, await words.RedriveAsync(static _ => true, Cancellation));
        Assert.Equal("These dead letters of words are damaged in the store, and were not redriven: 2. Restore the store from a backup, or "
            + "delete the letters.", warnings.Last());
        ConsecutorSnapshot end = await words.WaitForIdleAsync(Cancellation);
        Assert.True(end is { Completed: 2, Dead: 1, Unaccounted: 0 }, $"{end}");

        long damaged = letters[1].Number;
        var refused = await Assert.ThrowsAsync<StreamStoreException>(
            () => store.RedriveAsync(new("words", "words"), [damaged], Cancellation).AsTask());
        Assert.StartsWith($"The dead letter {damaged} of words:words is damaged", refused.Message, StringComparison.Ordinal);
        Assert.True(refused.IsPermanent);
        Assert.Equal(1, await words.DeleteDeadLettersAsync(static _ => true, Cancellation));
    }

    public void Dispose() => directory.Dispose();

    private static void Damage(string path, ReadOnlySpan<byte> payload)
    {
        using Database database = Database.Open(path);
        using Statement find = database.Prepared("SELECT id, blob FROM sluice_dead");
        List<(long Id, byte[] Blob)> found = [];
        while (find.Next()) found.Add((find.Long(0), find.Bytes(1)));
        foreach ((long id, byte[] blob) in found)
        {
            if (blob.AsSpan().IndexOf(payload) is not (>= 0 and var at)) continue;
            blob[at] ^= 1;
            using Statement change = database.Prepared("UPDATE sluice_dead SET blob = ? WHERE id = ?");
            change.Put(blob).Put(id).Run();
        }
    }
}
