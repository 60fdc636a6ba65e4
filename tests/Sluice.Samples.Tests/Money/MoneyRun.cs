using System.Globalization;

namespace Sluice.Samples.Tests.Money;

/// <summary>The money samples' command line, and the ledger it prints.</summary>
public abstract class MoneyRun
{
    internal static async Task<Ended> RunAsync(params string[] arguments)
    {
        using var process = SampleProcess.Start("Money", Path.GetTempPath(), arguments);
        return await process.EndAsync();
    }

    /// <summary>Runs a sample, and compares its ledger cell by cell.</summary>
    internal static async Task HasLedgerAsync(string[][] expected, string sample, string mode, params string[] nodes)
    {
        var output = (await RunAsync(sample, "--mode", mode)).Succeeded().Output;

        var sections = output.Split(["\nInputs\n", "\nPipeline\n", "\nLedger\n"], StringSplitOptions.None);
        Assert.Equal(4, sections.Length);
        Assert.NotEmpty(Rows(sections[1]));
        Assert.All(nodes, node => Assert.Contains(node, sections[2], StringComparison.Ordinal));
        Assert.Equal(Lines(expected), Lines(Rows(sections[3])));
    }

    internal static string Money(long cents) => (cents / 100m).ToString("N2", CultureInfo.InvariantCulture);

    internal static string[] Row(string name, params long[] cents) => [name, .. cents.Select(Money)];

    /// <summary>A quotient rounded half away from zero, in whole numbers only.</summary>
    internal static long Divide(long dividend, long divisor) => Math.Sign(dividend) * ((2 * Math.Abs(dividend)) + divisor) / (2 * divisor);

    private static string[][] Rows(string section)
        => [.. section.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];

    private static IEnumerable<string> Lines(string[][] rows) => rows.Select(row => string.Join(" | ", row));
}
