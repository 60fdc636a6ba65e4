using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Sluice.Samples.Tests.Airports;

/// <summary>A directory in which the airports sample runs, and the files that it writes there.</summary>
public abstract class AirportsRun : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("airports-");

    static AirportsRun() => SQLitePCL.Batteries_V2.Init();

    protected string Folder => directory.FullName;

    protected string CsvPath => Path.Combine(Folder, "distances.csv");

    protected string DatabasePath => Path.Combine(Folder, "distances.db");

    internal async Task<Ended> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        return await process.EndAsync();
    }

    /// <summary>Runs a command line that only reports a mistake, in a process that has run others before.</summary>
    internal Task<Ended> RunMistakeAsync(params string[] arguments) => WarmProgram.RunAsync("Airports", Folder, arguments);

    internal SampleProcess Start(params string[] arguments) => SampleProcess.Start("Airports", Folder, arguments);

    internal string Write(string name, string content)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllText(path, content);
        return path;
    }

    /// <summary>Writes a gazetteer with a header and a given number of airports all over the globe.</summary>
    internal string WriteGazetteer(int airports) => Write("generated.csv", "iata,latitude,longitude\n" + string.Concat(
        Enumerable.Range(0, airports).Select(i => string.Create(
            CultureInfo.InvariantCulture, $"A{i:D4},{(i * 7919 % 17900 / 100.0) - 89.5},{(i * 104729L % 35900 / 100.0) - 179.5}\n"))));

    internal Row[] ReadCsv(string? path = null)
    {
        var lines = File.ReadAllText(path ?? CsvPath).Split('\n');
        Assert.Equal("from,to,km", lines[0]);
        Assert.Equal("", lines[^1]);
        return [.. lines[1..^1].Select(line => line.Split(',')).Select(fields => new Row(fields[0], fields[1], fields[2]))];
    }

    internal Row[] ReadDatabase(string? path = null)
    {
        using var connection = new SqliteConnection($"Data Source={path ?? DatabasePath};Pooling=False;Mode=ReadOnly");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT origin, destination, km FROM distance";
        using var reader = command.ExecuteReader();
        var rows = new List<Row>();
        while (reader.Read())
            rows.Add(new Row(reader.GetString(0), reader.GetString(1), reader.GetDouble(2).ToString("F3", CultureInfo.InvariantCulture)));
        return [.. rows];
    }

    /// <summary>The number a report gives for a node, as in "ToFile   1,234 rows written to …".</summary>
    internal static int RowsReported(string output, string node)
    {
        var line = output.Split('\n').Single(line => line.StartsWith(node + " ", StringComparison.Ordinal)
            && line.Contains(" rows written to "));
        return int.Parse(line[node.Length..].Trim().Split(' ')[0], NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        directory.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    internal sealed record Row(string From, string To, string Km);
}
