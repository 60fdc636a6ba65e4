using System.Diagnostics;
using System.Globalization;

namespace Sluice.Programs;

/// <summary>A thousand consecutors in one process, which have nothing to do.</summary>
internal static class Crowd
{
    private const int Count = 1000;
    private static readonly TimeSpan SettlesIn = TimeSpan.FromSeconds(15);          // code is compiled anew, memory is given back

    /// <param name="seconds">How long to look at what they cost; zero for the threads alone.</param>
    public static async Task<int> RunAsync(string seconds)
    {
        await using var store = new MemoryStreamStore();
        var consecutors = new Consecutor<int>[Count];
        for (int i = 0; i < Count; i++)
        {
            consecutors[i] = new($"work-{i}", source => source.ForEach(_ => { }), new() { Store = store });
            await consecutors[i].StartAsync();
            await consecutors[i].SendAsync(i);
            await consecutors[i].WaitForIdleAsync();
        }
        double time = double.Parse(seconds, CultureInfo.InvariantCulture);
        if (time > 0) await Task.Delay(SettlesIn);
        using var process = Process.GetCurrentProcess();
        TimeSpan before = process.TotalProcessorTime;
        var watch = Stopwatch.StartNew();
        if (time > 0) await Task.Delay(TimeSpan.FromSeconds(time));
        process.Refresh();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"threads {process.Threads.Count} cpu {100 * (process.TotalProcessorTime - before) / watch.Elapsed:0.00} %"));
        foreach (Consecutor<int> consecutor in consecutors) await consecutor.DisposeAsync();
        return 0;
    }
}
