using System.Globalization;
using Sluice.Cli.Measuring;

namespace Sluice.Cli.Commands;

/// <summary><c>sluice bench STORE</c>.</summary>
internal static class BenchCommand
{
    private static readonly Option<double> Seconds = NumberOption.Of("--seconds", "SECONDS",
        "The time for each of the four measurements; 0.5 to 60.", 2.0);

    private static readonly Option<bool> Scratch = new("--scratch")
    {
        Description = $"Measure in a store that has streams of its own, in the stream {StoreBench.Stream}, which is deleted afterwards."
    };

    public static Command Create() => CommandRun.Create("bench",
        "Measures how many items this machine and a store process, in a few seconds.", RunAsync, Seconds, Scratch);

    private static async Task<int> RunAsync(CommandRun command)
    {
        if (command.Value(Seconds) is not (>= 0.5 and <= 60) and var wrong)
            throw CommandException.Usage(string.Create(CultureInfo.InvariantCulture, $"--seconds is 0.5 to 60, not {wrong}."));
        var time = TimeSpan.FromSeconds(command.Value(Seconds));
        string? missing = StoreNames.FileOf(command.StoreText) is { } file && !File.Exists(file) ? file : null, own = null;
        List<Measurement> found = [];
        try
        {
            // A store of an older version is refused: opened for writing, it would be upgraded, and its services could not read it. A store
            // on Redis is never upgraded, and may not exist yet.
            if (missing is null && !StoreNames.IsRedis(command.StoreText)) await (await command.OpenAsync()).DisposeAsync();
            await using IStreamStore store = await command.OpenToWriteAsync();
            string[] foreign = [.. (await store.ListStreamsAsync("", command.Cancellation))
                .Where(static name => name != StoreBench.Stream)];
            if (foreign.Length > 0 && !command.Value(Scratch))
                throw CommandException.Usage($"{StreamStores.WithoutSecrets(command.StoreText)} has {Clean.Count(foreign.Length)} "
                    + $"streams of its own, such as '{foreign[0]}'. Name a store for the measurement, or give --scratch: then the "
                    + $"measurement writes into the stream {StoreBench.Stream} beside them, and loads the store.");
            // Another process may have made the file since: it is for the measurement only if it opens here, and has no streams of others.
            if (foreign.Length == 0) own = missing;
            Add(await MemoryBench.FusedAsync(time, command.Cancellation));
            Add(await MemoryBench.BoundaryAsync(time, command.Cancellation));
            await foreach (Measurement one in StoreBench.RunAsync(store, time, command.Cancellation)) Add(one);
        }
        finally
        {
            if (own is not null) Delete(own);
        }
        if (command.Screen.IsJson) command.Screen.Json(found);
        return ExitCodes.Fine;

        void Add(Measurement one)
        {
            found.Add(one);
            if (!command.Screen.IsJson) command.Screen.Line($"{one.Name,-10}  {Clean.Count((long)one.PerSecond),12} items/s  {one.Text}");
        }
    }

    // A store that did not exist before was for the measurement only.
    private static void Delete(string file)
    {
        foreach (string suffix in (string[])["", "-wal", "-shm", "-lock", "-socket"]) File.Delete(file + suffix);
    }
}
