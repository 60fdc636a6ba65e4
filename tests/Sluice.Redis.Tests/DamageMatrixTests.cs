using System.Globalization;
using System.Text;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Delivery;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>
/// Deletes or changes a key or a field of a store, then starts a consecutor over it. The consecutor ends as without the damage, or reports
/// the damage. It never waits silently, has another result, or fails with an unrelated error. <c>SLUICE_DAMAGES=all</c> tries every change;
/// a number tries that many.
/// </summary>
public class DamageMatrixTests
{
    private const int FirstRounds = 1000;            // each is a second of test time

    private static readonly GroupId Work = new("work", "work");

    // Fields without a checksum: docs/guarantees.md.
    private static readonly string[] Uncovered = [":pf:", ":trash"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DamageToAKeyIsHarmlessOrReported()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        using ConnectionMultiplexer raw = await ConnectionMultiplexer.ConnectAsync(server.Admin);
        IDatabase database = raw.GetDatabase();
        await FillAsync(server);
        KeyDamage[] all = [.. (await KeyDamage.ListAsync(database)).Where(damage => !Array.Exists(Uncovered,
            part => damage.Key.Contains(part, StringComparison.Ordinal)))];
        Dictionary<RedisKey, byte[]> sound = await KeyDamage.SaveAsync(database);
        string expected = await GoOnAsync(server);
        Assert.StartsWith("24 accepted, 24 completed", expected, StringComparison.Ordinal);
        string? asked = Environment.GetEnvironmentVariable("SLUICE_DAMAGES");
        int wanted = asked == "all" ? all.Length : int.Parse(asked ?? "40", CultureInfo.InvariantCulture);
        Assert.InRange(wanted, 1, all.Length);
        List<string> wrong = [];
        int reported = 0;

        for (int i = 0; i < wanted; i++)
        {
            KeyDamage damage = all[(int)((long)i * all.Length / wanted)];
            await KeyDamage.RestoreAsync(database, sound);
            await damage.DoAsync(database);
            string end = await GoOnAsync(server);
            if (end.StartsWith("said: ", StringComparison.Ordinal)) reported++;
            else if (end != expected) wrong.Add($"{damage}: {end}");
        }

        Assert.True(wrong.Count == 0,
            $"{wrong.Count} of {wanted} changes (of {all.Length}) ended otherwise than {expected}:\n{string.Join('\n', wrong.Take(40))}");
        Assert.True(reported > 0, $"None of {wanted} changes was reported.");
        await KeyDamage.RestoreAsync(database, sound);
        Assert.Equal(expected, await GoOnAsync(server));             // otherwise the reports were not about the damage
    }

    /// <summary>Fills the store with totals by key, items that wait for a retry, unprocessed items and file lengths.</summary>
    private static async Task FillAsync(RedisServer server)
    {
        var clock = new TestClock();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            Patient.Options with { Time = clock, ServerTime = () => clock.GetUtcNow() });
        await using Consecutor<int> consecutor = DamagedWork.Make(store, clock, fails: n => n is 5 or 6 or 7);
        await consecutor.StartAsync(Cancellation);
        for (int n = 0; n < 20; n++) await consecutor.SendAsync(n, Cancellation);
        while (consecutor.Snapshot() is not { InFlight: 0, Pending: 0 } now || now.Retrying + now.Parked == 0) await Task.Yield();
        await consecutor.StopAsync();
        await using Consecutor<int> sender = DamagedWork.Make(store, clock, fails: _ => false);
        for (int n = 20; n < 24; n++) await sender.SendAsync(n, Cancellation);
        AcquireResult taken = await store.AcquireAsync(Work, 0, new("files"), Cancellation);
        var commit = new StoreCommit(taken.Ownership,
            taken.State!.LastCommit + 1)
        { FileLengths = [new("a file", 100), new("another", 7)] };
        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(commit, Cancellation)).Status);
        await store.ReleaseAsync(taken.Ownership, Cancellation);
    }

    /// <returns>The outcome of all items, or the reported error.</returns>
    private static async Task<string> GoOnAsync(RedisServer server)
    {
        try
        {
            var clock = new TestClock();
            await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
                Patient.Options with { Time = clock, ServerTime = () => clock.GetUtcNow() });
            await using Consecutor<int> consecutor = DamagedWork.Make(store, clock, fails: _ => false);
            await consecutor.StartAsync(Cancellation).WaitAsync(TimeSpan.FromMinutes(5), TimeProvider.System, Cancellation);
            ConsecutorSnapshot now = consecutor.Snapshot();
            var rounds = new Rounds(FirstRounds);
            while (!now.IsIdle && now.Problem is null && now.Stopped.Count == 0 && now.Loss is null && await rounds.GoOnAsync())
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                // gives the store time to answer
                for (int i = 0; i < 20 && !now.IsIdle; i++, now = consecutor.Snapshot()) await store.FindGroupAsync(Work, Cancellation);
            }
            if ((now.Problem ?? now.Loss) is { } problem) return $"said: {problem}";
            if (!now.IsIdle) return $"stands still without a word: {now}";
            List<string> totals = [];
            for (int partition = 0; partition < 2; partition++)
                foreach (StateRow row in await store.ListStateAsync(Work, partition, "totals", cancellation: Cancellation))
                    totals.Add($"{row.Key}={Encoding.UTF8.GetString(row.Value!.Value.Span)}");
            return string.Create(CultureInfo.InvariantCulture,
                $"{now.Accepted} accepted, {now.Completed} completed, {now.Dead} "
                    + $"dead; {string.Join(' ', totals.Order(StringComparer.Ordinal))}");
        }
        // InvalidOperationException: the store has state of an unknown node
        catch (Exception said) when (said is StreamStoreException or InvalidOperationException { InnerException: null })
        {
            return $"said: {said.Message}";
        }
        catch (Exception other) when (other is not OperationCanceledException)
        {
            return $"{other.GetType().Name}: {other.Message}";
        }
    }
}
