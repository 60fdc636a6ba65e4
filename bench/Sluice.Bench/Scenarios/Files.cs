using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Sluice.Bench;

/// <summary>
/// <c>samples/Files</c> with its services as processes on Redis: ten times as many files may take at most eleven times as long, and no more
/// memory in any process. Each size runs once, on a separate server; the time is from the start of the run to the last file.
/// </summary>
internal static class Files
{
    private const int Many = 20_000;
    private const int ManyMore = 200_000;
    private const int Times = 10;
    private const int QuickShare = 10;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(20);

    public static Scenario Scenario { get; } = Of("files", Many);

    /// <summary>The same with ten times as many files: some minutes.</summary>
    public static Scenario Large { get; } = Of("files-200k", ManyMore) with { IsOnRequest = true };

    private static Scenario Of(string name, int files) => new(name,
        $"samples/Files on Redis, {files:N0} files against {files / Times:N0}: seconds, and the most memory of each process and of the "
            + "store, in MB", [])
    { MeasureAsync = quick => MeasureAsync(name, quick ? files / QuickShare : files), Finish = BenchServer.Stop };

    private static async Task<IReadOnlyList<Result>> MeasureAsync(string name, int files)
    {
        JsonElement few = await DriveAsync(files / Times), many = await DriveAsync(files);
        List<Result> results = [Row(name, "s", Seconds(many), Seconds(few))];
        foreach (JsonProperty process in many.GetProperty("peakMemory").EnumerateObject())
            results.Add(Row($"{name}-{process.Name}", "MB", Megabytes(process.Value),
                Megabytes(few.GetProperty("peakMemory").GetProperty(process.Name))));
        results.Add(Row($"{name}-store", "MB", Megabytes(many.GetProperty("storePeakMemory")),
            Megabytes(few.GetProperty("storePeakMemory"))));
        return results;
    }

    private static async Task<JsonElement> DriveAsync(int files)
    {
        BenchServer.Stop();                          // memory of one server must not count for the next
        string address = (await BenchServer.GetAsync()).Address;
        string program = Path.Combine(AppContext.BaseDirectory, "..", "..", "Files",
            Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)), "Files.dll");
        var start = new ProcessStartInfo("dotnet", [program, "--files", files.ToString(CultureInfo.InvariantCulture), "--store",
            $"redis:{address}", "--json"])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process driver = Process.Start(start)!;
        using var late = new CancellationTokenSource(Patience);
        Task<string> progress = driver.StandardError.ReadToEndAsync(late.Token);
        try
        {
            string said = await driver.StandardOutput.ReadToEndAsync(late.Token);
            await driver.WaitForExitAsync(late.Token);
            if (driver.ExitCode != 0) throw new InvalidOperationException(
                $"samples/Files has ended with exit code {driver.ExitCode}: {await progress}");
            JsonElement table = JsonDocument.Parse(said.TrimEnd().Split('\n')[^1]).RootElement;
            if (Number("indexed") != files || Number("lost") + Number("duplicated") + Number("failed") != 0)
                throw new WrongResultException($"samples/Files with {files:N0} files: {table}");
            return table;

            int Number(string name) => table.GetProperty(name).GetInt32();
        }
        finally
        {
            if (!driver.HasExited) driver.Kill(entireProcessTree: true);
        }
    }

    private static Result Row(string name, string unit, double many, double few)
    {
        var (ours, small) = (new Measurement(Variant.Ours), new Measurement("small"));
        ours.Add(many, double.NaN);
        small.Add(few, double.NaN);
        return new(name, [ours, small]) { Unit = unit };
    }

    private static double Seconds(JsonElement table) => table.GetProperty("secondsToLast").GetDouble();

    private static double Megabytes(JsonElement bytes) => bytes.GetInt64() / 1048576.0;
}
