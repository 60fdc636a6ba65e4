using System.Globalization;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.Sqlite.Tests;

/// <summary>A store file with data of every kind, for tests that damage it, and a consecutor that continues with the file.</summary>
internal static class DamagedFile
{
    private const int FirstRounds = 3000;            // each is a second of test time

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Fills the file with totals by key, items that wait for a retry, dead letters and a file length.</summary>
    public static async Task FillAsync(string path)
    {
        var clock = new TestClock();
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, new() { Time = clock });
        await using Consecutor<int> consecutor = DamagedWork.Make(store, clock, fails: n => n is 5 or 6 or 7);
        await consecutor.StartAsync(Cancellation);
        for (int n = 0; n < 20; n++) await consecutor.SendAsync(n, Cancellation);
        while (consecutor.Snapshot() is not { InFlight: 0, Pending: 0 } now || now.Retrying + now.Parked == 0) await Task.Yield();
        await consecutor.StopAsync();
        await using Consecutor<int> sender = DamagedWork.Make(store, clock, fails: _ => false);
        for (int n = 20; n < 24; n++) await sender.SendAsync(n, Cancellation);
        Ownership owner = (await store.AcquireAsync(new("work", "work"), 0, new("files"), Cancellation)).Ownership;
        long last = (await store.AcquireAsync(new("work", "work"), 0, new("files") { ExpectedEpoch = owner.Epoch },
            Cancellation)).State!.LastCommit;
        owner = owner with { Epoch = owner.Epoch + 1 };
        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(new(owner,
            last + 1)
        { FileLengths = [new("a file", 100), new("another", 7)] }, Cancellation)).Status);
        await store.ReleaseAsync(owner, Cancellation);
    }

    /// <summary>Starts a consecutor over the file.</summary>
    /// <returns>The outcome of all items, or the reported error.</returns>
    public static async Task<string> GoOnAsync(string path)
    {
        try
        {
            var clock = new TestClock();             // shared with the store, which decides what is due
            await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, new() { Time = clock });
            await using Consecutor<int> consecutor = DamagedWork.Make(store, clock, fails: _ => false);
            await consecutor.StartAsync(Cancellation).WaitAsync(TimeSpan.FromMinutes(5), TimeProvider.System, Cancellation);
            ConsecutorSnapshot now = consecutor.Snapshot();
            var rounds = new Rounds(FirstRounds);
            while (!now.IsIdle && now.Problem is null && now.Stopped.Count == 0 && await rounds.GoOnAsync())
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                // gives the store time to answer
                for (int i = 0; i < 20 && !now.IsIdle; i++, now = consecutor.Snapshot())
                    await store.FindGroupAsync(new("work", "work"), Cancellation);
            }
            if (now.Problem is { } problem) return $"said: {problem}";
            if (!now.IsIdle) return $"stands still without a word: {now}";
            List<string> totals = [];
            for (int partition = 0; partition < 2; partition++)
                foreach (StateRow row in await store.ListStateAsync(new("work", "work"), partition, "totals", cancellation: Cancellation))
                    totals.Add($"{row.Key}={System.Text.Encoding.UTF8.GetString(row.Value!.Value.Span)}");
            string found = string.Create(CultureInfo.InvariantCulture,
                $"{now.Accepted} accepted, {now.Completed} completed, {now.Dead} "
                    + $"dead; {string.Join(' ', totals.Order(StringComparer.Ordinal))}");
            return found;
        }
        catch (StreamStoreException said)
        {
            return $"said: {said.Message}";
        }
    }
}
