using System.Globalization;

namespace Sluice.Samples.Tests.Airports;

public sealed class InterruptTests : AirportsRun
{
    private const int Pairs = 5000 * 4999 / 2;

    [Theory]
    [InlineData("single", "INT", 130)]
    [InlineData("multi", "INT", 130)]
    [InlineData("multi", "TERM", 143)]
    public async Task AnInterruptedRunDrainsAndReportsWhatItWrote(string mode, string signal, int exitCode)
    {
        using var process = Start("--airports", WriteGazetteer(5000), "--select", "all", "--mode", mode);
        await process.ReadUntilAsync(IsUnderWay);
        await process.SignalAsync(signal);
        var ended = await process.EndAsync();

        Assert.Equal((exitCode, ""), (ended.ExitCode, ended.Errors));
        Assert.Contains("Interrupted", ended.Output);
        var rows = ReadCsv();
        Assert.InRange(rows.Length, 1, Pairs - 1);
        Assert.Equal(rows.Length, RowsReported(ended.Output, "ToFile"));
        Assert.Equal(rows.Length, RowsReported(ended.Output, "ToDatabase"));
        Assert.Equal(rows.ToHashSet(), ReadDatabase().ToHashSet());
    }

    [Fact]
    public async Task ASecondInterruptStopsAtOnceAndTheReportIsStillTrue()
    {
        using var process = Start("--airports", WriteGazetteer(5000), "--select", "all");
        await process.ReadUntilAsync(IsUnderWay);
        await process.SignalAsync("INT");
        await process.SignalAsync("INT");
        var ended = await process.EndAsync();

        Assert.Equal((130, ""), (ended.ExitCode, ended.Errors));
        Assert.Equal(ReadCsv().Length, RowsReported(ended.Output, "ToFile"));
        Assert.Equal(ReadDatabase().Length, RowsReported(ended.Output, "ToDatabase"));
    }

    // Waits until the database has committed some rows: "123,456 of 12,497,500 pairs (1 %), 1 s".
    private static bool IsUnderWay(string line)
        => line.Contains(" pairs (", StringComparison.Ordinal)
            && int.Parse(line.Split(' ')[0], NumberStyles.AllowThousands, CultureInfo.InvariantCulture) > 50_000;
}
