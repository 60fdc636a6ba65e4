using System.Globalization;
using System.Text.RegularExpressions;
using Sluice.Sqlite;

namespace Sluice.Torture.Tests;

/// <summary>Faults of the whole process that a consecutor survives.</summary>
public sealed partial class ProcessFaultTests : IDisposable
{
    private const long MaxManaged = 10_000_000, MaxResident = 30_000_000;

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-faults-");

    private string StorePath => Path.Combine(directory.FullName, "work.db");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Delete(recursive: true);

    [Theory]
    [InlineData("throw")]
    [InlineData("exit", Traits = ["Length", "long"])]
    public async Task AnItemThatEndsTheProcessIsTriedAloneThenDeadLettered(string what)
    {
        int lives = 1;
        Report report = await VictimProcess.RunAsync(what, StorePath);
        for (; report.ExitCode != 0; lives++)
        {
            Assert.True(lives < 10, $"It goes on dying.\n{report}");
            report = await VictimProcess.RunAsync(what, StorePath);
        }
        Assert.Contains("completed 9 dead 1 unaccounted 0", report.Output, StringComparison.Ordinal);
        Assert.Contains("4: InvalidOperationException: The process ended 2 times while nothing but this item was being processed",
            report.Output, StringComparison.Ordinal);
        Assert.Equal(4, lives); // one crash together with other items, two alone, and the life that writes the dead letter
    }

    [Fact]
    public async Task AnItemThatExhaustsMemoryFailsAlone()
    {
        Report report = await VictimProcess.RunAsync("memory", StorePath, ("DOTNET_GCHeapHardLimit", "0x8000000"));
        Assert.True(report.ExitCode == 0, $"{report}");
        Assert.Contains("completed 9 dead 1 unaccounted 0", report.Output, StringComparison.Ordinal);
        Assert.Contains("4: OutOfMemoryException", report.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStoreOpenInAnotherProcessIsReportedInOneLine()
    {
        await using (await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, cancellation: Cancellation))
        {
            Report report = await VictimProcess.RunAsync("none", StorePath);
            Assert.True(report.ExitCode == 2, $"{report}");
            Assert.Contains($"The store {StorePath} is open already", report.Errors, StringComparison.Ordinal);
            Assert.Single(report.Errors.Trim().Split('\n'));
        }
        Report after = await VictimProcess.RunAsync("none", StorePath);
        Assert.Contains("completed 10 dead 0 unaccounted 0", after.Output, StringComparison.Ordinal);
    }

    /// <summary>Their cost while idle is measured by hand: <c>dotnet Sluice.Programs.dll consecutor crowd 60</c>.</summary>
    [Fact]
    public async Task AThousandConsecutorsShareTheirThreads()
    {
        Report report = await VictimProcess.RunAsync("crowd", "0");
        Assert.True(report.ExitCode == 0, $"{report}");
        Assert.InRange(int.Parse(Numbers().Match(report.Output).Value, CultureInfo.InvariantCulture), 1, 30);
    }

    [Fact]
    public async Task AStarvedThreadPoolLosesNoLease()
    {
        Report report = await VictimProcess.RunAsync("starve", "memory");
        Assert.True(report.ExitCode == 0, $"{report}");
        Match books = Books().Match(report.Output);
        Assert.True(books.Success && books.Groups[1].Value == books.Groups[2].Value, report.Output);
        Assert.EndsWith("owners busy:1", report.Output.Trim(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ItemsAcceptedWhilePausedAreProcessedAndRemoved(bool isFile)
    {
        Report report = await VictimProcess.RunAsync("flood", isFile ? StorePath : "memory");
        Assert.True(report.ExitCode == 0, $"{report}");
        long[] said = [.. Numbers().Matches(report.Output).Select(number => long.Parse(number.Value, CultureInfo.InvariantCulture))];
        TestContext.Current.SendDiagnosticMessage(report.Output);
        Assert.InRange(said[2], 190_000, 200_000);              // a lease in progress at the pause may have taken some items
        if (isFile)
        {
            Assert.InRange(said[0], long.MinValue, MaxManaged);
            Assert.InRange(said[1], long.MinValue, MaxResident);
        }
        Assert.InRange(said[4], 0, said[3] + (1 << 20));
        Assert.Equal((260_000, 0), (said[5], said[6]));
    }

    [GeneratedRegex(@"completed (\d+) of (\d+)")]
    private static partial Regex Books();

    [GeneratedRegex(@"-?\d+")]
    private static partial Regex Numbers();
}
