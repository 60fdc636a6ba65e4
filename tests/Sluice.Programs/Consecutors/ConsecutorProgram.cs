using Sluice.Diagnostics;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Programs;

/// <summary>A process with a consecutor to which a fault happens. At the end it prints what became of the items.</summary>
internal static class ConsecutorProgram
{
    /// <param name="args">The fault, and the store (a file, or "memory"); or "member" and its setup.</param>
    public static async Task<int> RunAsync(string[] args)
    {
        string what = args[0], where = args[1];
        if (what == "starve") return StarvedPool.Run();
        if (what == "crowd") return await Crowd.RunAsync(where);
        if (what == "member")
        {
            await MemberLife.RunAsync(MemberSetup.Parse(where));
            return 0;
        }
        try
        {
            await using IStreamStore store = where == "memory" ? new MemoryStreamStore()
                : await SqliteStreamStore.OpenAsync(where, Durability.Process);
            if (what == "flood")
            {
                await Flood.RunAsync(store, where);
                return 0;
            }
            DeliveryGuarantee delivery = DeliveryGuarantee.Replay(1, Backoff.Constant(TimeSpan.FromMilliseconds(1)));
            await using var consecutor = new Consecutor<int>("work", source => source | ((int item) => Faults.Meet(what, item)),
                new() { Store = store, Delivery = delivery, Stream = new() { Partitions = 2 } });
            await consecutor.StartAsync();
            await (Source.Resumable("numbers", Enumerable.Range(0, 10)) | consecutor).RunAsync();
            ConsecutorSnapshot books = await consecutor.WaitForIdleAsync();
            Console.WriteLine($"completed {books.Completed} dead {books.Dead} unaccounted {books.Unaccounted}");
            await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync()) Console.WriteLine($"{letter.Item}: {letter.Error}");
            await consecutor.StopAsync();
            return 0;
        }
        catch (StreamStoreException refused)
        {
            Console.Error.WriteLine(refused.Message);
            return 2;
        }
    }
}
