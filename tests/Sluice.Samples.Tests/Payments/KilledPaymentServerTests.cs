using System.Text.RegularExpressions;

namespace Sluice.Samples.Tests.Payments;

/// <summary>The sample kills its server again and again, and counts the payments.</summary>
public sealed class KilledPaymentServerTests
{
    [Fact]
    public async Task EveryPaymentIsCountedOnceDespiteKills()
    {
        using SampleProcess drive = SampleProcess.Start("Payments", Path.GetTempPath(), "--drive", "200", "--seed", "5", "--kills", "2",
            "--durability", "process");
        string output = (await drive.EndAsync()).Succeeded().Output;
        Dictionary<string, decimal> table = Regex.Matches(output, @"^([a-z ]+?) +([0-9.]+)$", RegexOptions.Multiline)
            .ToDictionary(row => row.Groups[1].Value, row => decimal.Parse(row.Groups[2].Value,
            System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal((200m, 200m, 0m, 0m), (table["sent"], table["acknowledged"], table["lost"], table["duplicated"]));
        Assert.Equal(200, table["processed"] + table["rejected"] + table["dead"]);
        Assert.Equal(table["balance expected"], table["balance found"]);
        Assert.Matches(@"killed [2-8] times; [1-9][0-9]* requests and frames were sent again", output);
        Assert.False(Directory.Exists(Path.GetDirectoryName(Regex.Match(output, "to (.*)").Groups[1].Value)));
    }

    [Fact]
    public async Task AServerThatCannotStartIsReportedInOneLine()
    {
        using SampleProcess drive = SampleProcess.Start("Payments", Path.GetTempPath(), "--drive", "10", "--urls", "http://192.0.2.1:5080");
        Assert.Contains("http://192.0.2.1:5080", (await drive.EndAsync()).OneErrorLine(2, "payments"), StringComparison.Ordinal);
    }
}
