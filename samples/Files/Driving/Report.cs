using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Files.Driving;

/// <summary>The table at the end.</summary>
/// <param name="FilesIn">How many files went in.</param>
/// <param name="Indexed">How many of them are in the index.</param>
/// <param name="Failed">How many could not be read.</param>
/// <param name="Lost">How many of them nothing came of.</param>
/// <param name="Duplicated">How many entries were there again.</param>
/// <param name="Wrong">How many of the files that this program has made have failed, or have a wrong number of words; null if it has made
/// none.</param>
/// <param name="Words">Of all files that are indexed.</param>
/// <param name="Kills">How often this program has killed a service.</param>
/// <param name="Restarts">How often a service was started again.</param>
/// <param name="PeakMemory">The most resident memory of each process, in bytes, by what it did.</param>
/// <param name="StorePeakEntries">The most values in the store, when it was looked.</param>
/// <param name="StorePeakBytes">The most bytes of values in the store, when it was looked.</param>
/// <param name="StorePeakMemory">The most memory of the Redis server, or the length of the SQLite file, in bytes; null where it is this
/// process's memory.</param>
/// <param name="SecondsToFirst">From the start of the flow to its first result; null if it had none.</param>
/// <param name="SecondsToLast">To its last.</param>
/// <param name="Seed">By which files were made, and services killed.</param>
/// <param name="Directory">Where the files are, or were.</param>
/// <param name="Failures">What has failed and why, a hundred at most.</param>
internal sealed record Report(
    int FilesIn, int Indexed, int Failed, int Lost, int Duplicated, int? Wrong, long Words, int Kills, int Restarts,
        IReadOnlyDictionary<string, long> PeakMemory,
    long StorePeakEntries, long StorePeakBytes, long? StorePeakMemory, double? SecondsToFirst, double SecondsToLast, int Seed,
        string Directory, IReadOnlyList<FailedFile> Failures)
{
    private const int MostShown = 20;

    /// <summary>Whether every file is there once, with the words that this program has put into it, if it has made it.</summary>
    [JsonIgnore]
    public bool IsRight => Lost == 0 && Duplicated == 0 && Wrong is null or 0 && Indexed + Failed == FilesIn;

    public void Print(bool asJson)
    {
        foreach (FailedFile failure in Failures.Take(MostShown)) Console.WriteLine($"failed: {failure.File}: {failure.Reason}");
        if (Failed > MostShown) Console.WriteLine($"and {Failed - MostShown:N0} more failed");
        if (asJson)
        {
            Console.WriteLine(JsonSerializer.Serialize(this, ReportJson.Readable.Report));
            return;
        }
        Console.WriteLine();
        Row("files in", FilesIn);
        Row("indexed", Indexed);
        Row("failed", Failed);
        Row("lost", Lost);
        Row("duplicated", Duplicated);
        if (Wrong is { } wrong) Row("wrong", wrong);
        Row("words", Words);
        if (Kills + Restarts > 0) Row("killed", Kills);
        if (Kills + Restarts > 0) Row("restarted", Restarts);
        foreach (var (process, bytes) in PeakMemory) Row($"peak memory of {process}", bytes / 1048576.0, "MB");
        Row("peak entries in the store", StorePeakEntries);
        Row("peak bytes in the store", StorePeakBytes / 1048576.0, "MB");
        if (StorePeakMemory is { } memory) Row("peak size of the store", memory / 1048576.0, "MB");
        if (SecondsToFirst is { } first) Row("time to first result", first, "s");
        Row("time to last result", SecondsToLast, "s");
    }

    private static void Row(string name, long value)
        => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-28}{value,14}"));

    private static void Row(string name, double value, string unit)
        => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-28}{value,14:F2} {unit}"));
}

/// <summary>A file that could not be read.</summary>
internal sealed record FailedFile(string File, string Reason);

/// <summary>How a report is written.</summary>
[JsonSerializable(typeof(Report))]
internal sealed partial class ReportJson : JsonSerializerContext
{
    /// <summary>Names of files stay readable.</summary>
    public static ReportJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping
    });
}
