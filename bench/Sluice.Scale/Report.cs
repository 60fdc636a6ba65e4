using System.Globalization;

namespace Sluice.Scale;

/// <summary>What was measured in a stretch of virtual time.</summary>
/// <param name="Name">What happened.</param>
/// <param name="Duration">For how long.</param>
/// <param name="Calls">The calls of the store, by kind.</param>
/// <param name="Shares">The partitions of each living host at the end.</param>
/// <param name="Living">The living hosts.</param>
internal sealed record Phase(string Name, TimeSpan Duration, IReadOnlyDictionary<string, long> Calls, IReadOnlyList<int> Shares,
    int Living);

/// <summary>The tables.</summary>
internal static class Report
{
    public static void Write(TextWriter to, IReadOnlyList<Phase> all)
    {
        Phase[] phases = [.. all.Where(static phase => phase.Duration > TimeSpan.Zero)];
        to.WriteLine();
        to.WriteLine("| phase | virtual seconds | calls in a second | in a second of a host | partitions of a host |");
        to.WriteLine("|---|---|---|---|---|");
        foreach (Phase phase in phases)
        {
            double rate = phase.Calls.Values.Sum() / phase.Duration.TotalSeconds;
            string shares = phase.Shares.Count == 0 ? "–" : $"{phase.Shares.Min()} to {phase.Shares.Max()}";
            to.WriteLine(Text($"| {phase.Name} | {phase.Duration.TotalSeconds:0.0} | {rate:0} | {rate / phase.Living:0.0} | {shares} |"));
        }
        to.WriteLine();
        string[] kinds = [.. phases.SelectMany(phase => phase.Calls).GroupBy(pair => pair.Key)
            .OrderByDescending(kind => kind.Sum(pair => pair.Value)).Select(kind => kind.Key)];
        to.WriteLine($"| calls in a second | {string.Join(" | ", phases.Select(phase => phase.Name))} |");
        to.WriteLine($"|---|{string.Concat(phases.Select(_ => "---|"))}");
        foreach (string kind in kinds)
            to.WriteLine($"| `{kind.Replace("Async", "", StringComparison.Ordinal)}` | {string.Join(" | ", phases.Select(phase =>
                Text($"{phase.Calls.GetValueOrDefault(kind) / phase.Duration.TotalSeconds:0.0}")))} |");
        to.WriteLine();
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
