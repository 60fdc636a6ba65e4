using System.Globalization;
using Sluice.Storage;
using Sluice.Testing;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>
/// Somebody deletes or changes single keys and fields of a store that has everything in it: each call does its work, or says what is wrong,
/// and the server answers everybody else at once.
/// SLUICE_DAMAGES=all tries every change, a number so many of them.
/// </summary>
public class DamagedKeysTests
{
    private static readonly GroupId Main = Rows.Main;

    [Fact]
    public async Task WhateverIsChangedIsNamed()
    {
        await using RedisServer server = await RedisServer.StartAsync("--enable-debug-command", "yes");
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            new() { Time = new TestClock(), Timeout = TimeSpan.FromSeconds(30) });
        using ConnectionMultiplexer raw = await ConnectionMultiplexer.ConnectAsync(server.Address + ",allowAdmin=true,syncTimeout=5000");
        IDatabase database = raw.GetDatabase();
        await FilledStore.FillAsync(store);
        KeyDamage[] all = [.. await KeyDamage.ListAsync(database)];
        Dictionary<RedisKey, byte[]> sound = await KeyDamage.SaveAsync(database);
        string? asked = Environment.GetEnvironmentVariable("SLUICE_DAMAGES");
        int wanted = asked == "all" ? all.Length : int.Parse(asked ?? "100", CultureInfo.InvariantCulture);
        List<string> wrong = [];

        for (int i = 0; i < wanted; i++)
        {
            KeyDamage damage = all[(int)((long)i * all.Length / wanted)];
            await KeyDamage.RestoreAsync(database, sound);
            await damage.DoAsync(database);
            foreach ((string name, Func<IStreamStore, Task> call) in FilledStore.Calls)
            {
                string before = FilledStore.IsAtomic(name) ? (string)await database.ExecuteAsync("DEBUG", "DIGEST") : "";
                string? said = await SayAsync(store, call);
                if (said is null) continue;
                if (said.Length > 0) wrong.Add($"{damage}: {name}: {said}");
                if (FilledStore.IsAtomic(name) && (string)await database.ExecuteAsync("DEBUG", "DIGEST") != before)
                    wrong.Add($"{damage}: {name} has failed, and changed something");
            }
            await database.PingAsync().WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} of {wanted} changes (of {all.Length}):\n{string.Join('\n', wrong.Take(40))}");
    }

    // Null if it was done, or the store is said to have gone back, which begins a new generation; empty if it has failed as it should; else
    // what is wrong with how it has failed.
    private static async Task<string?> SayAsync(RedisStreamStore store, Func<IStreamStore, Task> call)
    {
        try
        {
            await call(store).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
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
