using System.Globalization;
using System.Text.RegularExpressions;

namespace Sluice.Samples.Tests.Etl;

public sealed partial class EtlTests
{
    [Fact]
    public async Task TheEtlExamplePrintsItsCriticalPath()
    {
        string output = (await RunAsync("--unit", "20", "--example", "etl")).Succeeded().Output;

        Assert.Contains("\nuploaded: axax axaxbxbx cxcx\n", output, StringComparison.Ordinal);
        Assert.Contains("\nwork: 0.50 s\n", output, StringComparison.Ordinal);
        // The upper bound is for slow machines. Tests in virtual time show that no step waits longer than it must.
        Assert.InRange(double.Parse(Makespan().Match(output).Groups[1].Value, CultureInfo.InvariantCulture), 0.17, 60);
        Assert.Matches(@"\ncritical path: Fetch.* → Strip.* → Upload\n", output);
        Assert.Equal(28, Event().Count(output));
        Assert.Matches(@"\n\nFetch\(\w\d\) .*→ Concatenate", output);
    }

    [Fact]
    public async Task AllThreeExamplesRun()
    {
        string output = (await RunAsync("--unit", "10")).Succeeded().Output;

        Assert.Equal(["# etl", "# exogenous", "# dynamic"], output.Split('\n').Where(line => line.StartsWith('#')));
        Assert.Contains("\nthe report was not made: build the index: no.\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("report begins", output, StringComparison.Ordinal);
        Assert.Contains("close ends", output, StringComparison.Ordinal);
        Assert.Contains("\n7 folders in ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--unit", "0")]
    [InlineData("--unit", "long")]
    [InlineData("--example", "el")]
    [InlineData("--unti", "1")]
    public async Task AMistakeIsReportedInOneLine(string option, string value)
        => Assert.Contains(option switch { "--unit" => "--unit takes a whole number", "--unti" => option, _ => value },
        (await RunAsync(option, value)).OneErrorLine(2, "etl"), StringComparison.Ordinal);

    private static async Task<Ended> RunAsync(params string[] arguments)
    {
        using var process = SampleProcess.Start("Etl", Path.GetTempPath(), arguments);
        return await process.EndAsync();
    }

    [GeneratedRegex(@"\nmakespan: (\d+\.\d\d) s\n")]
    private static partial Regex Makespan();

    [GeneratedRegex(@"^ *\d+\.\d\d s  .* (begins|ends)", RegexOptions.Multiline)]
    private static partial Regex Event();
}
