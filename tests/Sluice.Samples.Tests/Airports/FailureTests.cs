using Microsoft.Data.Sqlite;

namespace Sluice.Samples.Tests.Airports;

public sealed class FailureTests : AirportsRun
{
    [Theory]
    [InlineData("single")]
    [InlineData("multi")]
    public async Task AFullDiskFailsTheRunAtTheFileAndTheItem(string mode)
    {
        var line = (await RunAsync("--out", "/dev/full", "--no-db", "--mode", mode)).OneErrorLine(1);
        Assert.Contains("ToFile", line);
        Assert.Contains("ATL -> DFW", line);
        Assert.Contains("No space left", line);
    }

    [Fact]
    public async Task AFileAtItsSizeLimitEndsWithAWholeRowAndATrueReport()
    {
        var ended = await RunWithFileLimitAsync("--airports", WriteGazetteer(500), "--select", "all", "--no-db", "--no-progress");
        var line = ended.OneErrorLine(1);
        Assert.Contains("ToFile", line);
        Assert.Matches("A\\d{4} -> A\\d{4}", line);
        Assert.Equal(ReadCsv().Length, RowsReported(ended.Output, "ToFile"));
        Assert.InRange(ReadCsv().Length, 1, 500 * 499 / 2 - 1);
    }

    [Fact]
    public async Task ADatabaseThatCannotGrowFailsTheRunAtTheDatabaseAndTheItem()
    {
        var ended = await RunWithFileLimitAsync("--airports", WriteGazetteer(500), "--select", "all", "--no-out", "--no-progress");
        var line = ended.OneErrorLine(1);
        Assert.Contains("ToDatabase", line);
        Assert.Matches("A\\d{4} -> A\\d{4}", line);
        Assert.Equal(0, RowsReported(ended.Output, "ToDatabase"));
    }

    [Theory]
    [InlineData("single")]
    [InlineData("multi")]
    public async Task ALockedDatabaseFailsTheRunAtTheDatabaseAndTheItem(string mode)
    {
        (await RunAsync("--select", "SEA,PHX", "--no-out")).Succeeded();
        using (var connection = new SqliteConnection($"Data Source={DatabasePath};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "BEGIN EXCLUSIVE";
            command.ExecuteNonQuery();

            var line = (await RunAsync("--mode", mode)).OneErrorLine(1);
            Assert.Contains("ToDatabase", line);
            Assert.Contains("ATL -> DFW", line);
            Assert.Contains("locked", line);
        }

        Assert.Equal(("SEA", "PHX"), ReadDatabase().Select(row => (row.From, row.To)).Single());
    }

    // With W^X enabled, the runtime maps code through a file that this small limit forbids.
    [Fact]
    public async Task WorkersThatCannotConnectFailTheRunInOneLine()
    {
        var command =
            $"TMPDIR=/no/such/directory "
            + $"exec {SampleProcess.CommandLine("Airports", ["--mode", "process", "--select", "SEA,PHX", "--no-db"])}";
        using var process = SampleProcess.StartProgram(Folder, "bash", "-c", command);
        var line = (await process.EndAsync()).OneErrorLine(1);
        Assert.Contains("Workers cannot connect at /no/such/directory", line);
        Assert.Contains("The directory for temporary files (TMPDIR) must be there and writable, and its name short.", line);
    }

    private async Task<Ended> RunWithFileLimitAsync(params string[] arguments)
    {
        var command = $"ulimit -f 64; DOTNET_EnableWriteXorExecute=0 exec {SampleProcess.CommandLine("Airports", arguments)}";
        using var process = SampleProcess.StartProgram(Folder, "bash", "-c", command);
        return await process.EndAsync();
    }
}
