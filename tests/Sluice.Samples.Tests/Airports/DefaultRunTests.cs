using System.Globalization;

namespace Sluice.Samples.Tests.Airports;

public sealed class DefaultRunTests : AirportsRun
{
    private static readonly string[] Ten = ["ATL", "DFW", "DEN", "LAX", "ORD", "JFK", "MCO", "LAS", "CLT", "MIA"];

    [Fact]
    public async Task TheTenBusiestAirportsGiveFortyFivePairsInFileAndDatabase()
    {
        var ended = (await RunAsync()).Succeeded();

        var expected = from i in Enumerable.Range(0, 10) from j in Enumerable.Range(i + 1, 9 - i) select (Ten[i], Ten[j]);
        var rows = ReadCsv();
        Assert.Equal(expected, rows.Select(row => (row.From, row.To)));
        Assert.Equal(rows.ToHashSet(), ReadDatabase().ToHashSet());
        Assert.Equal(45, RowsReported(ended.Output, "ToFile"));
        Assert.Equal(45, RowsReported(ended.Output, "ToDatabase"));
        Assert.Contains(CsvPath, ended.Output);
        Assert.Contains(DatabasePath, ended.Output);
        Assert.Contains("items/s", ended.Output);
        foreach (var node in new[] { "airports", "AllPairs", "Geocode", "Distance", "ToDatabase", "ToFile" })
            Assert.Contains(node, ended.Output[ended.Output.IndexOf("items/s", StringComparison.Ordinal)..]);
    }

    [Fact]
    public async Task DistancesAgreeWithTheVectorFormula()
    {
        (await RunAsync("--select", "all", "--no-db", "--no-progress")).Succeeded();

        var places = File.ReadLines(Path.Combine(SampleProcess.DirectoryOf("Airports"), "airports.csv")).Skip(1)
            .Select(line => line.Split(','))
            .ToDictionary(fields => fields[0], fields => Vector(Degrees(fields[3]), Degrees(fields[4])));
        var rows = ReadCsv();
        Assert.Equal(places.Count * (places.Count - 1) / 2, rows.Length);
        foreach (var row in rows)
            Assert.Equal(Km(places[row.From], places[row.To]), double.Parse(row.Km, CultureInfo.InvariantCulture), tolerance: 0.0006);

        // A known distance from a map, in case formula and sample have the same error.
        var known = rows.Single(row => row is { From: "ATL", To: "LAX" });
        Assert.InRange(double.Parse(known.Km, CultureInfo.InvariantCulture), 3120, 3132);
    }

    [Fact]
    public async Task AnExistingFileIsReplacedAndAnExistingPairUpdated()
    {
        Write("distances.csv", new string('x', 100_000));
        (await RunAsync("--select", "ATL,LAX")).Succeeded();
        var before = ReadDatabase().Single();
        var moved = Write("moved.csv", "iata,latitude,longitude\nATL,0,0\nLAX,0,1\nSEA,1,0\n");
        (await RunAsync("--airports", moved, "--select", "all")).Succeeded();

        Assert.Equal(3, ReadCsv().Length);
        var after = ReadDatabase();
        Assert.Equal(3, after.Length);
        Assert.NotEqual(before, after.Single(row => row is { From: "ATL", To: "LAX" }));
        Assert.Equal("111.195", after.Single(row => row is { From: "ATL", To: "LAX" }).Km);
    }

    [Fact]
    public async Task DisabledOutputsAreNotCreated()
    {
        (await RunAsync("--no-out", "--no-db", "--no-progress")).Succeeded();
        Assert.Empty(Directory.GetFiles(Folder));
        (await RunAsync("--no-out")).Succeeded();
        Assert.Equal([DatabasePath], Directory.GetFiles(Folder));
    }

    [Fact]
    public async Task EveryModeWritesTheSameFileByteForByte()
    {
        int airports = Repetitions.Of(100, all: 400);
        var gazetteer = WriteGazetteer(airports);
        string[] common = ["--airports", gazetteer, "--select", "all", "--no-progress"];
        (await RunAsync([.. common, "--mode", "single", "--out", "single.csv", "--db", "single.db"])).Succeeded();
        (await RunAsync([.. common, "--mode", "multi", "--parallel", "1", "--out", "one.csv", "--no-db"])).Succeeded();
        (await RunAsync([.. common, "--mode", "multi", "--parallel", "7", "--out", "seven.csv", "--db", "seven.db"])).Succeeded();
        (await RunAsync([.. common, "--mode", "process", "--workers", "3", "--out", "process.csv", "--db", "process.db"])).Succeeded();

        var single = File.ReadAllBytes(Path.Combine(Folder, "single.csv"));
        Assert.Equal(airports * (airports - 1) / 2, ReadCsv(Path.Combine(Folder, "single.csv")).Length);
        Assert.True(single.AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(Folder, "one.csv"))));
        Assert.True(single.AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(Folder, "seven.csv"))));
        Assert.True(single.AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(Folder, "process.csv"))));
        Assert.Equal(ReadDatabase(Path.Combine(Folder, "single.db")), ReadDatabase(Path.Combine(Folder, "seven.db")));
        Assert.Equal(ReadDatabase(Path.Combine(Folder, "single.db")), ReadDatabase(Path.Combine(Folder, "process.db")));
    }

    [Theory]
    [InlineData("first:3", "ATL-DFW ATL-DEN DFW-DEN")]
    [InlineData("mia,ATL,Sea", "MIA-ATL MIA-SEA ATL-SEA")]
    public async Task PairsFollowTheOrderOfTheGazetteerOrOfTheList(string select, string pairs)
    {
        (await RunAsync("--select", select, "--no-db")).Succeeded();
        Assert.Equal(pairs, string.Join(' ', ReadCsv().Select(row => $"{row.From}-{row.To}")));
    }

    [Fact]
    public async Task HelpNamesEveryOptionAndExitCode()
    {
        var help = (await RunAsync("--help")).Succeeded().Output;
        const string Options = "--airports --select --out --db --no-out --no-db --mode --workers --parallel --no-progress --store "
            + "--fail-every --poison --exit-on --dead --redrive 130";
        foreach (var option in Options.Split(' '))
            Assert.Contains(option, help);
    }

    private static double Degrees(string text) => double.DegreesToRadians(double.Parse(text, CultureInfo.InvariantCulture));

    private static (double X, double Y, double Z) Vector(double latitude, double longitude)
        => (Math.Cos(latitude) * Math.Cos(longitude), Math.Cos(latitude) * Math.Sin(longitude), Math.Sin(latitude));

    // The angle between two vectors as atan2(|a x b|, a . b), which is independent of the haversine formula.
    private static double Km((double X, double Y, double Z) a, (double X, double Y, double Z) b)
    {
        var (x, y, z) = ((a.Y * b.Z) - (a.Z * b.Y), (a.Z * b.X) - (a.X * b.Z), (a.X * b.Y) - (a.Y * b.X));
        return 6371.0088 * Math.Atan2(Math.Sqrt((x * x) + (y * y) + (z * z)), (a.X * b.X) + (a.Y * b.Y) + (a.Z * b.Z));
    }
}
