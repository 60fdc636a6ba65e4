using System.Text.Json;
using System.Text.RegularExpressions;

namespace Sluice.Samples.Tests.Files;

/// <summary>Runs samples/Files by its command line, in its own directory.</summary>
internal sealed partial class FilesRun : IDisposable
{
    private readonly DirectoryInfo directory = System.IO.Directory.CreateTempSubdirectory("files-test-");

    public string Directory => directory.FullName;

    public string PathOf(string name) => Path.Combine(Directory, name);

    public void Dispose() => directory.Delete(recursive: true);

    /// <summary>Runs the sample. On a busy machine it may say that the store is slow, which is left out.</summary>
    public async Task<Ended> EndAsync(params string[] arguments)
    {
        using SampleProcess process = SampleProcess.Start("Files", Directory, arguments);
        Ended ended = await process.EndAsync();
        return ended with { Errors = SlowStore().Replace(ended.Errors, "") };
    }

    /// <summary>Runs a command line that only reports a mistake, in a process that has run others before.</summary>
    public Task<Ended> MistakeAsync(params string[] arguments) => WarmProgram.RunAsync("Files", Directory, arguments);

    /// <summary>Runs the sample with <c>--json</c>; it must succeed.</summary>
    /// <returns>The table.</returns>
    public async Task<JsonElement> TableAsync(params string[] arguments) => Table((await EndAsync([.. arguments, "--json"])).Succeeded());

    // Written by the services (number 5 is any warning of the library) and by samples/Files/Driving/Watch.cs.
    [GeneratedRegex(@"^(\w+: warn: Sluice\.Flows\.Supervisor\[5\] The store (does not answer|has not answered)"
        + @"|files: the \w+ .*? (has not answered for|answers again, after) [0-9]+ s).*\n", RegexOptions.Multiline)]
    private static partial Regex SlowStore();

    public static JsonElement Table(Ended ended) => JsonSerializer.Deserialize<JsonElement>(ended.Output.TrimEnd('\n').Split('\n')[^1]);

    public static int Number(JsonElement table, string name) => table.GetProperty(name).GetInt32();

    /// <summary>The numbers of files in, indexed, failed, lost and duplicated.</summary>
    public static (int, int, int, int, int) Books(JsonElement table)
        => (Number(table, "filesIn"), Number(table, "indexed"), Number(table, "failed"), Number(table, "lost"),
        Number(table, "duplicated"));

    /// <summary>The rows of a CSV file below its header, by RFC 4180.</summary>
    public static List<(string File, string Words)> Rows(string path)
    {
        string text = File.ReadAllText(path);
        List<List<string>> rows = [[""]];
        bool isQuoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            List<string> row = rows[^1];
            if (isQuoted && text[i] == '"' && i + 1 < text.Length && text[i + 1] == '"') row[^1] += text[++i];
            else if (text[i] == '"') isQuoted = !isQuoted;
            else if (!isQuoted && text[i] == ',') row.Add("");
            else if (!isQuoted && text[i] == '\n') rows.Add([""]);
            else row[^1] += text[i];
        }
        Assert.Equal([""], rows[^1]);                   // the last line is ended
        Assert.Equal(["file", "words"], rows[0]);
        return [.. rows[1..^1].Select(row => row is [var file, var words] ? (file, words)
            : throw new InvalidDataException(string.Join('|', row)))];
    }

    /// <summary>Counts the words of a file, independently of the sample.</summary>
    public static long Count(string path) => File.ReadAllText(path).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
}
