using System.Diagnostics;
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
    public async Task AServerThatEndsByItselfIsReported()
    {
        using SampleProcess drive = SampleProcess.Start("Payments", Path.GetTempPath(), "--drive", "20000", "--kills", "0",
            "--durability", "process");
        string store = (await drive.ReadUntilAsync(line => line.Contains(" payments with ", StringComparison.Ordinal))).Split(" to ")[1];
        var directory = new DirectoryInfo(Path.GetDirectoryName(store)!);
        string[] children = [];
        while ((!directory.EnumerateFiles("*.csv").Any(static file => file.Length > 1000) || children.Length == 0) && !drive.HasExited)
        {
            children = SampleProcess.ChildrenOf(drive.Id);
            await Task.Yield();
        }
        string server = Assert.Single(children);
        using (Process kill = Process.Start("kill", ["-KILL", server])) await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        Ended ended = await drive.EndAsync();
        Assert.True(ended.ExitCode == 1, ended.Output);
        Assert.Contains("problem: the server ended by itself, with exit code 137", ended.Output, StringComparison.Ordinal);
        Assert.Contains($"What the server has left is in {directory.FullName}.", ended.Output, StringComparison.Ordinal);
        directory.Delete(recursive: true);
    }

    [Fact]
    public async Task AServerThatCannotStartIsReportedInOneLine()
    {
        using SampleProcess drive = SampleProcess.Start("Payments", Path.GetTempPath(), "--drive", "10", "--urls", "http://192.0.2.1:5080");
        Assert.Contains("http://192.0.2.1:5080", (await drive.EndAsync()).OneErrorLine(2, "payments"), StringComparison.Ordinal);
    }
}
