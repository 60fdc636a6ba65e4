using System.Globalization;
using System.Text.RegularExpressions;

namespace Sluice.Samples.Tests.Airports;

public sealed class StoreTests : AirportsRun
{
    private const int Airports = 250;
    private const int Pairs = Airports * (Airports - 1) / 2;
    private static readonly int Kills
        = int.TryParse(Environment.GetEnvironmentVariable("SLUICE_KILLS"), CultureInfo.InvariantCulture, out int given) ? given : 2;

    private string PlainCsv => Path.Combine(Folder, "plain.csv");

    [Fact]
    public async Task ARunKilledAtAnyTimeWritesEveryPairOnceAndInOrder()
    {
        string[] job = ["--airports", WriteGazetteer(Airports), "--select", "all", "--store", "sqlite:pairs.db"];
        (await RunAsync([.. job[..4], "--no-progress", "--out", PlainCsv, "--no-db"])).Succeeded();
        var random = new Random(20_23);
        long whole = new FileInfo(PlainCsv).Length;
        int killed = 0, tooEarly = 0;
        while (killed < Kills)
        {
            // Kills by progress, not by time, because the speed of machines differs. The file is read once per check, because a start that
            // only tests whether it can write the file deletes it again.
            long next = whole * (killed + 1) / (Kills + 2) + random.NextInt64(whole / (2 * Kills));
            using var process = Start(job);
            while (!process.HasExited && !(new FileInfo(CsvPath) is { Exists: true } csv && csv.Length >= next))
                await Task.Delay(1, TestContext.Current.CancellationToken);
            process.Kill();
            var life = await process.EndAsync();
            if (life.ExitCode == 0)
            {
                BeginAnew(++tooEarly);
                killed = 0;
                continue;
            }
            Assert.True(life.ExitCode == 137, $"ended by itself with {life.ExitCode}: {life.Errors}");
            killed++;
        }

        var ended = (await RunAsync(job)).Succeeded();
        Assert.Contains("Resumed from", ended.Output, StringComparison.Ordinal);
        Assert.Equal(ReadCsv(PlainCsv), ReadCsv());
        Assert.Equal(ReadCsv().ToHashSet(), ReadDatabase().ToHashSet());
        Assert.Equal(Pairs, ReadDatabase().Length);

        var before = (Csv: File.ReadAllBytes(CsvPath), Database: File.ReadAllBytes(DatabasePath));
        ended = (await RunAsync(job)).Succeeded();
        Assert.Matches("(?m)^accepted +31,125, 31,125 of them by earlier runs$", ended.Output);
        Assert.True(before.Csv.AsSpan().SequenceEqual(File.ReadAllBytes(CsvPath)), "the CSV was changed by a run after the end");
        Assert.True(before.Database.AsSpan().SequenceEqual(File.ReadAllBytes(DatabasePath)),
            "the database was changed by a run after the end");
    }

    [Theory]
    [InlineData("distances.db")]
    [InlineData("pairs.db", Traits = ["Length", "long"])]
    public async Task FailuresAreRetriedAndPoisonPairsAreListedAndRedriven(string database)
    {
        string[] job = ["--no-progress", "--store", "sqlite:pairs.db", "--db", database];
        var ended = (await RunAsync([.. job, "--fail-every", "3", "--poison", "lax"])).SucceededWithFailedItems();
        Assert.Equal((45, 36, 9), (Number(ended, "accepted"), Number(ended, "completed"), Number(ended, "dead")));
        Assert.Equal(36, ReadCsv().Length);
        Assert.DoesNotContain(ReadCsv(), row => row.From == "LAX" || row.To == "LAX");
        Assert.Equal(ReadCsv().ToHashSet(), ReadDatabase(Path.Combine(Folder, database)).ToHashSet());

        var dead = (await RunAsync("--store", "sqlite:pairs.db", "--dead")).Succeeded().Output.TrimEnd().Split('\n');
        Assert.Equal(10, dead.Length);
        Assert.All(dead[..9], line => Assert.Matches(@"LAX.* failed in Geocode after 31 attempts: .*--poison lax", line));
        Assert.StartsWith("9 dead letters", dead[9], StringComparison.Ordinal);

        ended = (await RunAsync([.. job, "--redrive", "--poison", "LAX"])).SucceededWithFailedItems();
        Assert.Equal((36, 9), (Number(ended, "completed"), Number(ended, "dead")));
        ended = (await RunAsync([.. job, "--redrive"])).Succeeded();
        Assert.Equal((45, 0), (Number(ended, "completed"), Number(ended, "dead")));
        Assert.DoesNotContain(" 0 items/s", ended.Output);
        Assert.Equal(45, ReadCsv().Distinct().Count());
        Assert.Equal(45, ReadCsv().Length);
        Assert.Equal(ReadCsv().ToHashSet(), ReadDatabase(Path.Combine(Folder, database)).ToHashSet());
        Assert.Equal("No dead letters.\n", (await RunAsync("--store", "sqlite:pairs.db", "--dead")).Succeeded().Output);
    }

    [Long("ProcessFaultTests; ARunKilledAtAnyTimeWritesEveryPairOnceAndInOrder")]
    [Fact]
    public async Task OnlyAPairThatKillsTheProcessBecomesADeadLetter()
    {
        string[] job = ["--select", "ATL,LAX,JFK", "--store", "sqlite:pairs.db", "--no-progress", "--exit-on", "LAX"];
        Ended ended;
        var crashes = 0;
        do
        {
            ended = await RunAsync(job);
            if (ended.ExitCode == 137) crashes++;
        }
        while (ended.ExitCode == 137 && crashes < 40);

        ended.SucceededWithFailedItems();
        // Each of the two pairs is started alone three times. Before that, each may crash once together with other pairs, which does not
        // count against them. How often depends on the number of items accepted before the first crash.
        Assert.InRange(crashes, 6, 8);
        Assert.Equal((3, 1, 2), (Number(ended, "accepted"), Number(ended, "completed"), Number(ended, "dead")));
        Assert.Single(ReadCsv());
        Assert.Equal(ReadCsv().ToHashSet(), ReadDatabase().ToHashSet());
        Assert.DoesNotContain(ReadCsv(), row => row.From == "LAX" || row.To == "LAX");
    }

    [Fact]
    public async Task AnInterruptedRunIsResumed()
    {
        string[] job = ["--airports", WriteGazetteer(Airports), "--select", "all", "--store", "sqlite:pairs.db"];
        Ended interrupted;
        for (int tooEarly = 1; (interrupted = await InterruptAsync()).ExitCode == 0; tooEarly++) BeginAnew(tooEarly);
        Assert.Equal((130, ""), (interrupted.ExitCode, interrupted.Errors));
        Assert.Contains("Interrupted", interrupted.Output, StringComparison.Ordinal);
        Assert.Equal(Number(interrupted, "completed"), File.Exists(CsvPath) && new FileInfo(CsvPath).Length > 0 ? ReadCsv().Length : 0);

        var ended = (await RunAsync(job)).Succeeded();
        Assert.Equal((Pairs, 0), (Number(ended, "completed"), Number(ended, "dead")));
        Assert.Equal(Pairs, ReadCsv().ToHashSet().Count);
        Assert.Equal(ReadCsv().ToHashSet(), ReadDatabase().ToHashSet());

        async Task<Ended> InterruptAsync()
        {
            using var process = Start(job);
            await process.ReadUntilAsync(line => line.StartsWith("0 of", StringComparison.Ordinal));
            await process.SignalAsync("INT");
            return await process.EndAsync();
        }
    }

    [Fact]
    public async Task ASecondProcessOnTheStoreIsRefusedInOneLine()
    {
        using var first = Start("--airports", WriteGazetteer(5000), "--select", "all", "--store", "sqlite:pairs.db");
        await first.ReadUntilAsync(line => line.StartsWith("0 of", StringComparison.Ordinal));
        var line = (await RunAsync("--airports", "generated.csv", "--select", "all", "--store", "sqlite:pairs.db")).OneErrorLine(2);
        Assert.Contains("pairs.db is open already, in another process", line, StringComparison.Ordinal);
        Assert.Contains("is open already", (await RunAsync("--store", "sqlite:pairs.db", "--dead")).OneErrorLine(2),
            StringComparison.Ordinal);
        await first.SignalAsync("KILL");
    }

    [Fact]
    public async Task AnotherJobOrAMissingFileIsRefusedInOneLine()
    {
        (await RunAsync("--store", "sqlite:pairs.db", "--no-progress")).Succeeded();
        var csv = await File.ReadAllTextAsync(CsvPath);
        Assert.Contains("another job", (await RunAsync("--store", "sqlite:pairs.db", "--select", "all")).OneErrorLine(2),
            StringComparison.Ordinal);
        Assert.Contains("another job", (await RunAsync("--store", "sqlite:pairs.db", "--no-db")).OneErrorLine(2), StringComparison.Ordinal);
        Assert.Equal(csv, await File.ReadAllTextAsync(CsvPath));
        File.Delete(CsvPath);
        Assert.Contains("is not there, and 767 bytes of it are committed", (await RunAsync("--store", "sqlite:pairs.db")).OneErrorLine(2),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--store pairs.db", "sqlite:FILE")]
    [InlineData("--store redis:localhost", "sqlite:FILE")]
    [InlineData("--store sqlite:", "sqlite:FILE")]
    [InlineData("--store sqlite:.", "is a directory")]
    [InlineData("--store sqlite:missing/pairs.db", "directory does not exist")]
    [InlineData("--store sqlite:same --out ./same", "same file")]
    [InlineData("--airports given.csv --store sqlite:given.csv", "same file")]
    [InlineData("--fail-every 3", "needs --store")]
    [InlineData("--poison ATL", "needs --store")]
    [InlineData("--exit-on ATL", "needs --store")]
    [InlineData("--dead", "needs --store")]
    [InlineData("--redrive", "needs --store")]
    [InlineData("--store sqlite:pairs.db --dead", "there is no store")]
    [InlineData("--store sqlite:pairs.db --dead --redrive", "leave out --redrive")]
    [InlineData("--store sqlite:pairs.db --dead --poison ATL", "leave out --poison")]
    [InlineData("--store sqlite:pairs.db --fail-every 0", "at least 1")]
    [InlineData("--store sqlite:pairs.db --fail-every x", "at least 1")]
    [InlineData("--store sqlite:pairs.db --poison SEA", "SEA")]
    [InlineData("--store sqlite:pairs.db --exit-on SEA", "SEA")]
    public async Task AMistakeIsReportedInOneLineAndChangesNoFile(string commandLine, string named)
    {
        var given = Write("given.csv", "iata,latitude,longitude\nATL,1,2\nLAX,3,4\n");
        var before = await File.ReadAllTextAsync(given);
        var line = (await RunMistakeAsync(commandLine.Split(' '))).OneErrorLine(2);
        Assert.Contains(named, line, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllTextAsync(given));
        Assert.Equal([given], Directory.GetFiles(Folder));
    }

    // A job takes half a second. On a busy machine it may have come to its end before the kill or the signal.
    private void BeginAnew(int tooEarly)
    {
        Assert.True(tooEarly <= 20, $"The job has ended before the kill or the signal {tooEarly} times: it is too small.");
        foreach (string file in Directory.GetFiles(Folder))
            if (Path.GetFileName(file) is not ("generated.csv" or "plain.csv")) File.Delete(file);
    }

    private static int Number(Ended ended, string row)
        => int.Parse(NumberOf(row).Match(ended.Output).Groups[1].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);

    private static Regex NumberOf(string row) => new($@"^{row} +([\d,]*\d)", RegexOptions.Multiline);
}
