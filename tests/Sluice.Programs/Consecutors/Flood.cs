using System.Globalization;
using Microsoft.Data.Sqlite;
using Sluice.Storage;

namespace Sluice.Programs;

/// <summary>Two hundred thousand items are accepted while the consecutor is paused; then they go through. Says how the process and the file
/// grow.</summary>
internal static class Flood
{
    private const int Items = 200_000, Batch = 1000;

    public static async Task RunAsync(IStreamStore store, string where)
    {
        long seen = 0;
        await using var consecutor = new Consecutor<Reading>("work", source => source | (_ => { Interlocked.Increment(ref seen); }),
            new() { Store = store, Stream = new() { MaxItems = 2 * Items, MaxBytes = 4L << 30 } });
        await consecutor.StartAsync();
        await RoundAsync(20);
        await consecutor.WaitForIdleAsync();                // everything is loaded, compiled and has its size
        await consecutor.PauseAsync();
        long managed = GC.GetTotalMemory(forceFullCollection: true), resident = Resident();
        await RoundAsync(Items / Batch);
        Console.WriteLine(
            $"managed {GC.GetTotalMemory(forceFullCollection: true) - managed} resident {Resident() - resident} "
                + $"pending {consecutor.Snapshot().Pending}");
        await consecutor.ResumeAsync();
        await consecutor.WaitForIdleAsync();
        long grown = Size();
        for (int round = 0; round < 10; round++)
        {
            await RoundAsync(4);
            await consecutor.WaitForIdleAsync();
        }
        Console.WriteLine($"file {grown} after ten rounds {Size()} seen {seen} left {(await store.FindStreamAsync("work"))!.Items}");

        async Task RoundAsync(int batches)
        {
            for (int batch = 0; batch < batches; batch++)
                await consecutor.SendAllAsync([.. Enumerable.Range(batch * Batch, Batch)
                    .Select(n => new Reading(n, $"sensor-{n % 1000}", n * 0.25))]);
        }

        long Size() => where == "memory" ? 0 : SizeOf(where);
    }

    /// <summary>Bytes that the file has or gets when what the log still holds is written into it.</summary>
    private static long SizeOf(string file)
    {
        using var database = new SqliteConnection($"Data Source={file};Mode=ReadOnly;Pooling=False");
        database.Open();
        using SqliteCommand size = database.CreateCommand();
        size.CommandText = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        return (long)size.ExecuteScalar()!;
    }

    /// <summary>Bytes of the process in memory, as the system counts them.</summary>
    private static long Resident()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(6, line.Length - 8).Trim(), CultureInfo.InvariantCulture) * 1024;
    }
}

internal sealed record Reading(int Number, string Sensor, double Value);
