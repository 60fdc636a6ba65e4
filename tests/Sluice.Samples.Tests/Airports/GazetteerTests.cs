namespace Sluice.Samples.Tests.Airports;

public sealed class GazetteerTests : AirportsRun
{
    [Fact]
    public async Task InvalidRowsAreSkippedAndReportedByPhysicalLine()
    {
        var gazetteer = Write("nasty.csv", """"
            city,Latitude,IATA,longitude,name
            Good,10.5,AAA,20.5,"Fine, ""quoted"" name"
            No code,10,,20,x
            Null,10,\N,20,x
            Too high,95,HHH,20,x
            Too wide,10,WWW,181,x
            Not a number,NaN,NNN,20,x
            Words,ten,TTT,20,x
            Broken,11,BBB,21,"no end
            Next,12,CCC,22,after the broken one
            Multi,13,DDD,23,"two
            lines"
            Few,14
            Stray,15,EEE,25,na"me
            Again,16,aaa,26,twice

            After,17,FFF,27,x
            Shifted,18,GGG,Some city,28
            Tail,20,JJJ,28,"runs to the end of the file
            Odd,21,G/G,28,x
            """".ReplaceLineEndings("\r\n") + "\r\n" + new string('x', 100_000) + ",1,ZZZ,1,too long\nLast,22,III,29,x");

        var output = (await RunAsync("--airports", gazetteer, "--select", "all", "--no-db")).Succeeded().Output;

        Assert.Equal("AAA CCC DDD FFF III".Split(' '), ReadCsv().SelectMany(row => new[] { row.From, row.To }).Distinct());
        var reported = output.Split('\n').SkipWhile(line => !line.StartsWith("skipped rows", StringComparison.Ordinal)).ToArray();
        Assert.EndsWith(" 14", reported[0]);
        Assert.Equal(
            [
                "3 broken quote: lines 9, 14, 19",
                "1 duplicate IATA code: line 15",
                "2 latitude is not a number: lines 7, 8",
                "1 latitude out of range: line 5",
                "1 longer than 65,536 characters: line 21",
                "1 longitude is not a number: line 18",
                "1 longitude out of range: line 6",
                "1 malformed IATA code: line 20",
                "2 no IATA code: lines 3, 4",
                "1 too few columns: line 13",
            ],
            reported[1..11].Select(line => line.Trim()));
    }

    [Fact]
    public async Task AHeaderlessOpenFlightsFileIsUnderstood()
    {
        var gazetteer = Write("airports.dat", """"
            1,"First ""Great"" Airport","One","Land","AAA","XAAA",10.0,20.0,5282,10,"U","Some/Zone","airport","Us"
            2,"No Code","Two","Land",\N,"XBBB",11.0,21.0,5282,10,"U","Some/Zone","airport","Us"
            3,"Second, with comma","Three","Land","CCC",\N,-12.5,-22.5,5282,\N,\N,\N,"airport","Us"
            """");
        var output = (await RunAsync("--airports", gazetteer, "--select", "all", "--no-db")).Succeeded().Output;

        Assert.Equal(("AAA", "CCC"), ReadCsv().Select(row => (row.From, row.To)).Single());
        Assert.Contains("1 no IATA code: line 2", output);
    }

    [Fact]
    public async Task TheWholeOpenFlightsFileIsReadIfItIsPresent()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Sluice.slnx"))) root = root.Parent;
        var file = Path.GetFullPath(Path.Combine(root!.FullName, "../shared/data/openflights/airports.dat"));
        if (!File.Exists(file)) Assert.Skip("the OpenFlights data is not beside this clone");

        var output = (await RunAsync("--airports", file, "--no-progress")).Succeeded().Output;
        Assert.Contains("10 of 6,072 in the gazetteer", output);
        Assert.Contains("1,626 no IATA code: lines 22, 23, 44, 104, 211 and 1,621 more", output);
        Assert.Equal(45, ReadCsv().Length);
    }

    [Theory]
    [InlineData("", "no rows")]
    [InlineData("\n\n", "no rows")]
    [InlineData("code,lat,lon\nATL,1,2\n", "no column \"iata\"")]
    [InlineData("iata,latitude\nATL,1\n", "no column \"longitude\"")]
    [InlineData("iata,latitude,longitude,IATA\nATL,1,2,3\n", "\"iata\" twice")]
    [InlineData("iata,latitude,longitude\n", "no airport that can be used")]
    [InlineData("iata,latitude,longitude\nATL,95,2\n", "1 latitude out of range: line 2")]
    public async Task AFileThatIsNoGazetteerIsRefusedWithTheReason(string content, string reason)
    {
        var line = (await RunMistakeAsync("--airports", Write("bad.csv", content), "--select", "all")).OneErrorLine(2);
        Assert.Contains(reason, line);
        Assert.Contains("bad.csv", line);
        Assert.Single(Directory.GetFiles(Folder));
    }
}
