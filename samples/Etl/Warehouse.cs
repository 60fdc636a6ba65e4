using System.Diagnostics;
using System.Globalization;
using Sluice;
using Sluice.Graphs;

namespace Etl;

/// <summary>The steps of the examples. What is marked with [Step] has a twin without "Async", which takes futures in the place of
/// values.</summary>
internal sealed partial class Warehouse(TimeSpan unit, TextWriter output)
{
    private static readonly Dictionary<string, double> SecondsOf = new()
    {
        ["a1"] = 1,
        ["a2"] = 2,
        ["b1"] = 4,
        ["b2"] = 0.5,
        ["c1"] = 6,
        ["c2"] = 3.5
    };

    private readonly Lock sync = new();
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private double work;

    /// <summary>The time since the beginning.</summary>
    public TimeSpan Elapsed => clock.Elapsed;

    /// <summary>How long it would all take, one after the other.</summary>
    public TimeSpan Work => unit * work;

    [Step]
    public async Task<string> FetchAsync(string id, CancellationToken cancellation)
        => await BusyAsync($"fetch {id}", SecondsOf.GetValueOrDefault(id, 1), id + "x", cancellation);

    [Step]
    public async Task<string> ConcatenateAsync(string left, string right, CancellationToken cancellation)
        => await BusyAsync($"concatenate {left} {right}", 1, left + right, cancellation);

    [Step]
    public async Task<string> StripAsync(string text, CancellationToken cancellation)
        => await BusyAsync($"strip {text}", 1, string.Concat(text.Where(character => !char.IsDigit(character))), cancellation);

    [Step]
    public async Task UploadAsync(IReadOnlyList<string> texts, CancellationToken cancellation)
    {
        await BusyAsync("upload", 1, "", cancellation);
        Print($"uploaded: {string.Join(" ", texts)}");
    }

    [Step]
    public async Task DoAsync(string what, double seconds, bool fails = false, CancellationToken cancellation = default)
    {
        await BusyAsync(what, seconds, "", cancellation);
        if (fails) throw new InvalidOperationException($"{what}: no.");
    }

    /// <summary>A step that calls steps: how many is only known when it runs.</summary>
    [Step]
    public async Task<int> CountAsync(string folder, CancellationToken cancellation)
    {
        await BusyAsync($"list {folder}", 1, "", cancellation);
        string[] folders = folder.Length < 4 ? [folder + "a/", folder + "b/"] : [];
        int[] counts = await Future.WhenAll(folders.Select(each => Count(each)));
        return 1 + counts.Sum();
    }

    public void Print(string line)
    {
        lock (sync) output.WriteLine(line);
    }

    public static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture) + " s";

    private async Task<string> BusyAsync(string what, double seconds, string result, CancellationToken cancellation)
    {
        Print($"{Seconds(Elapsed),8}  {what} begins");
        await Task.Delay(unit * seconds, cancellation);
        lock (sync) work += seconds;
        Print($"{Seconds(Elapsed),8}  {what} ends{(result.Length == 0 ? "" : $": {result}")}");
        return result;
    }
}
