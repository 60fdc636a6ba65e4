namespace Sluice.Samples.Tests.Airports;

public sealed class MistakeTests : AirportsRun
{
    [Theory]
    [InlineData("--bogus", "--bogus")]
    [InlineData("extra", "extra")]
    [InlineData("@file", "@file")]
    [InlineData("[suggest]", "[suggest]")]
    [InlineData("--version", "--version")]
    [InlineData("--out", "--out")]
    [InlineData("--out=", "--out")]
    [InlineData("--out a.csv --out b.csv", "--out")]
    [InlineData("--out a.csv --no-out", "--no-out")]
    [InlineData("--db a.db --no-db", "--no-db")]
    [InlineData("--mode fast", "fast")]
    [InlineData("--workers 2", "--mode process")]
    [InlineData("--mode process --workers 0", "from 1 to")]
    [InlineData("--mode process --store sqlite:a.db", "do not go together")]
    [InlineData("--parallel 0", "from 1 to")]
    [InlineData("--parallel -1", "from 1 to")]
    [InlineData("--parallel 1025", "from 1 to")]
    [InlineData("--parallel 99999999999999", "from 1 to")]
    [InlineData("--parallel 1.5", "from 1 to")]
    [InlineData("--parallel two", "two")]
    [InlineData("--select first:0", "first:N")]
    [InlineData("--select first:1", "at least 2")]
    [InlineData("--select first:", "first:N")]
    [InlineData("--select first:99", "52")]
    [InlineData("--select ATL", "at least two")]
    [InlineData("--select ATL,,LAX", "empty code")]
    [InlineData("--select ATL,atl", "twice")]
    [InlineData("--select ATL,LXA", "\"LXA\"")]
    [InlineData("--select ATL,LXA", "LAX")]
    [InlineData("--airports missing.csv", "missing.csv")]
    [InlineData("--airports .", "is a directory")]
    [InlineData("--out .", "is a directory")]
    [InlineData("--db .", "is a directory")]
    [InlineData("--out missing/a.csv", "no such directory")]
    [InlineData("--db missing/a.db", "no such directory")]
    [InlineData("--out same --db ./same", "same file")]
    [InlineData("--airports given.csv --out given.csv", "same file")]
    [InlineData("--airports given.csv --db given.csv", "same file")]
    [InlineData("--airports link.csv --out given.csv", "same file")]
    [InlineData("--airports given.csv", "\"DFW\"")]
    [InlineData("--db given.csv", "not a database")]
    public async Task AMistakeIsReportedInOneLineAndChangesNoFile(string commandLine, string named)
    {
        var given = Write("given.csv", "iata,latitude,longitude\nATL,1,2\nLAX,3,4\n");
        File.CreateSymbolicLink(Path.Combine(Folder, "link.csv"), given);
        var before = File.ReadAllText(given);

        var line = (await RunMistakeAsync(commandLine.Split(' '))).OneErrorLine(2);

        Assert.Contains(named, line);
        Assert.Equal(before, File.ReadAllText(given));
        Assert.Equal(["given.csv", "link.csv"], Directory.GetFiles(Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("CREATE TABLE distance (a, b)", "distance")]
    [InlineData("CREATE TABLE distance (origin, destination, km)", "PRIMARY KEY")]
    public async Task ATableOfAnotherShapeIsRefusedBeforeAnythingIsWritten(string sql, string named)
    {
        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={DatabasePath};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }

        Write("distances.csv", "precious");
        var line = (await RunAsync()).OneErrorLine(2);
        Assert.Contains(named, line);
        Assert.Equal("precious", File.ReadAllText(CsvPath));
    }

    [Fact]
    public async Task AFileNameWithALineBreakIsReportedInOneLine()
        => Assert.Contains("no such file", (await RunAsync("--airports", "two\nlines.csv")).OneErrorLine(2));
}
