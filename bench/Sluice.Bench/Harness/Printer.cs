using System.Globalization;
using System.Runtime;
using System.Runtime.InteropServices;

namespace Sluice.Bench;

/// <summary>
/// Prints the results: a table for people, then lines of fixed form for scripts. Figures always have a point, never a comma.
/// </summary>
internal static class Printer
{
    public static void Usage(IReadOnlyList<Scenario> scenarios)
    {
        Write($"Sluice.Bench [SCENARIO…] [--quick] [--cores N] [--minutes N]    without a scenario: all; `list` and `--help` show this");
        Write($"");
        foreach (var scenario in scenarios)
        {
            Write($"  {scenario.Name,-12} {scenario.What}{(scenario.IsOnRequest ? "; only if it is named" : "")}");
            foreach (var comparison in scenario.Comparisons)
                Write($"  {"",-12}   {comparison.Name}: {string.Join(", ", comparison.Variants.Select(variant => variant.Name))}");
        }
    }

    public static void Machine(Options options)
    {
        var pinned = options.Cores is { } cores ? string.Create(CultureInfo.InvariantCulture, $", pinned to {cores}") : "";
        var collector = GCSettings.IsServerGC ? "server" : "workstation";
        var concurrent = GCSettings.LatencyMode == GCLatencyMode.Interactive ? "concurrent" : "not concurrent";
        Write($"{Environment.ProcessorCount} cores{pinned}, {RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}");
        Write($"{RuntimeInformation.FrameworkDescription}, {collector} GC, {concurrent}{(options.Quick ? ", quick" : "")}");
    }

    public static void Heading(Scenario scenario)
    {
        Write($"");
        Write($"{scenario.Name}: {scenario.What}");
    }

    public static void Table(IReadOnlyList<Result> results)
    {
        foreach (var group in results.GroupBy(result => result.Unit)) Table(group.Key, group);
    }

    private static void Table(string unit, IEnumerable<Result> results)
    {
        Write($"  {"",-36} {unit,12} {"min",12} {"bytes/item",12} {"min",12} {"rounds",7}");
        foreach (var result in results)
            foreach (var one in result.Measurements)
                Write($"  {result.Comparison + " " + one.Variant,-36} {one.MedianNanoseconds,12:F1} {one.MinimumNanoseconds,12:F1} {one.MedianBytes,12:F2} {one.MinimumBytes,12:F2} {one.Rounds,7}");
    }

    public static void Gates(IReadOnlyList<Result> results)
    {
        foreach (var result in results)
        {
            foreach (var (name, value) in result.Ratios) Gate(name, value, Bench.Gates.Ratio(name));
            if (result.Ours is { } ours && Bench.Gates.BytesPerItem(result.Comparison) is { } bytes)
                Gate($"{result.Comparison} bytes/item", ours.MedianBytes, bytes);
            foreach (var one in result.Measurements)
                if (Bench.Gates.NanosecondsPerItem($"{result.Comparison} {one.Variant}") is { } most)
                    Gate($"{result.Comparison} {one.Variant} ns/item", one.MedianNanoseconds, most);
        }
    }

    /// <summary>Prints the lines for scripts. Their form is stable: nothing may stand behind the value.</summary>
    public static void Lines(IReadOnlyList<Result> results)
    {
        foreach (var result in results)
            foreach (var one in result.Measurements) Write($"{result.Comparison} {one.Variant} {one.MedianNanoseconds:F1}");
        foreach (var result in results)
            foreach (var (name, value) in result.Ratios) Write($"ratio {name} {value:F3}");
    }

    private static void Gate(string name, double value, double? gate)
    {
        var verdict = gate is not { } limit
            ? "no gate"
            : string.Create(CultureInfo.InvariantCulture, $"≤ {limit:0.00#} {(Math.Round(value, 3) <= limit ? "ok" : "MISSED")}");
        Write($"  {name,-36} {value,12:F3}   {verdict}");
    }

    private static void Write(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
