using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Programs;

/// <summary>Has a SQLite store open, with a consecutor whose items all die, until it is killed.</summary>
internal static class OwnerProgram
{
    public static async Task<int> RunAsync(string path, bool acceptsChanges, int letters)
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process,
            new() { AcceptsChanges = acceptsChanges });
        await using var orders = new Consecutor<string>("orders", source => source | Parse | (_ => { }), new()
        {
            Store = store,
            Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
            LeaseDuration = TimeSpan.FromSeconds(3),
            InstanceId = "shop-1",
            OnWarning = static _ => { },
        });
        await orders.StartAsync();
        for (int letter = 1; letter <= letters; letter++) await orders.SendAsync($"letter {letter}");
        await orders.WaitForIdleAsync();
        Console.WriteLine("idle");
        await Task.Delay(Timeout.Infinite);
        return 0;
    }

    private static int Parse(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
