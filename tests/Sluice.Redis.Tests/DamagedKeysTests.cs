using System.Globalization;
using Sluice.Storage;
using Sluice.Testing;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>
/// Deletes or changes single keys and fields of a store with data of every kind. Each call then succeeds or reports the damage, and the
/// server still answers other clients. SLUICE_DAMAGES=all tries every change; a number tries that many.
/// </summary>
public class DamagedKeysTests
{
    private static readonly GroupId Main = Rows.Main;

    [Fact]
    public async Task ACallOnADamagedStoreSucceedsOrNamesTheDamage()
    {
        await using RedisServer server = await RedisServer.StartAsync("--enable-debug-command", "yes");
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            Patient.Options with { Time = new TestClock() });
        using ConnectionMultiplexer raw = await ConnectionMultiplexer.ConnectAsync(server.Admin);
        IDatabase database = raw.GetDatabase();
        await FilledStore.FillAsync(store);
        KeyDamage[] all = [.. await KeyDamage.ListAsync(database)];
        Dictionary<RedisKey, byte[]> sound = await KeyDamage.SaveAsync(database);
        string? asked = Environment.GetEnvironmentVariable("SLUICE_DAMAGES");
        int wanted = asked == "all" ? all.Length : int.Parse(asked ?? "50", CultureInfo.InvariantCulture);
        Assert.InRange(wanted, 1, all.Length);
        List<string> wrong = [];
        int reported = 0;

        for (int i = 0; i < wanted; i++)
        {
            KeyDamage damage = all[(int)((long)i * all.Length / wanted)];
            await KeyDamage.RestoreAsync(database, sound);
            await damage.DoAsync(database);
            foreach ((string name, Func<IStreamStore, Task> call) in FilledStore.Calls)
            {
                string? before = FilledStore.IsAtomic(name) ? (string?)await database.ExecuteAsync("DEBUG", "DIGEST") : "";
                string? said = await SayAsync(store, call);
                if (said is null) continue;
                reported++;
                if (said.Length > 0) wrong.Add($"{damage}: {name}: {said}");
                if (FilledStore.IsAtomic(name) && (string?)await database.ExecuteAsync("DEBUG", "DIGEST") != before)
                    wrong.Add($"{damage}: {name} has failed, and changed something");
            }
            await database.PingAsync().WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} of {wanted} changes (of {all.Length}):\n{string.Join('\n', wrong.Take(40))}");
        Assert.True(reported > 0, $"No call reported any of {wanted} changes.");
    }

    // Null if the call succeeded or reported that the store was rolled back, which starts a new generation. Empty if the error names the
    // damaged data. Otherwise the error.
    private static async Task<string?> SayAsync(RedisStreamStore store, Func<IStreamStore, Task> call)
    {
        try
        {
            await call(store).WaitAsync(TimeSpan.FromMinutes(3), TestContext.Current.CancellationToken);
            return null;
        }
        catch (StoreRolledBackException lost)
        {
            await store.RaiseGenerationAsync(store.Generation);
            return lost.Message.Length > 0 ? null : "says nothing";
        }
        catch (StreamStoreException failure)
        {
            bool isNamed = failure.Message.Contains("{sluice}:", StringComparison.Ordinal)
                || failure.Message.Contains(Main.Stream, StringComparison.Ordinal)
                || failure.Message.Contains(Rows.Results, StringComparison.Ordinal);
            return isNamed ? "" : failure.Message;
        }
        catch (Exception other)
        {
            return $"{other.GetType().Name}: {other.Message}";
        }
    }
}
