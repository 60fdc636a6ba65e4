using System.CommandLine;
using System.Security.Cryptography;
using Files.Services;

namespace Files;

/// <summary>The command line, checked.</summary>
/// <param name="Count">How many files to make; null if they are there.</param>
/// <param name="Input">The directory with the files; null if they are made.</param>
/// <param name="Store">The store.</param>
/// <param name="Kill">Whether to kill services.</param>
/// <param name="Json">Whether the table is a JSON object.</param>
/// <param name="Out">The file for the counts; null for none.</param>
/// <param name="Keep">Whether files that were made stay.</param>
/// <param name="Seed">Decides what is in the files, and who is killed when.</param>
internal sealed record Options(int? Count, string? Input, StoreChoice Store, bool Kill, bool Json, string? Out, bool Keep, int Seed)
{
    private const int Default = 2_000;
    private const int Most = 1_000_000;

    private const string About = """
        Counts the words of files (runs of characters that are no white space) by a flow: discover -> read -> extract -> index.

          dotnet run -c Release --project samples/Files -- --files 20000
          dotnet run -c Release --project samples/Files -- --files 20000 --store redis:localhost:6379 --kill
          dotnet run -c Release --project samples/Files -- --input docs --out words.csv

        With redis: the processors are hosted by three services, each a process of its own; with the other stores by this
        process, as those have one owner. Everything between them is bounded, so that neither the processes nor the store grow
        with the number of files. A file that cannot be read, or is no text (UTF-8), counts as failed and is named.

        Exit codes: 0 done; 1 it could not go on, or a file was lost or counted twice, or one that it has made has failed or has
        a wrong count; 2 a mistake in what was asked for; 130 interrupted: it cancels the run, stops the services and deletes
        what it has made, for which it takes ten seconds at most, also where the store does not answer; interrupted again, it
        ends at once, and leaves the files that it has made.
        """;

    /// <summary>Reads the command line; null when it asked for help, which has then been shown.</summary>
    /// <exception cref="UserMistake">An option is unknown, malformed or out of range, or two contradict each other.</exception>
    public static Options? Parse(string[] arguments)
    {
        var files = CommandLine.Text("--files", "N",
            $"Make N files in a temporary directory: nine in ten under 16 KB, the rest up to 1 MB. Default: {Default}");
        var input = CommandLine.Text("--input", "DIR", "Take the files that are in DIR, and in the directories below it.");
        var store = CommandLine.Text("--store", "STORE", "memory, sqlite:FILE or redis:HOST:PORT. Default: memory");
        var kill = CommandLine.Flag("--kill", "Kill one of the services now and then, and start it again; with --store redis: only.");
        var json = CommandLine.Flag("--json", "Print the table as one JSON object, on the last line.");
        var output = CommandLine.Text("--out", "FILE.csv",
            "Write a line for each file: file,words. The words of a file that failed are empty.");
        var keep = CommandLine.Flag("--keep", "Leave the files that were made where they are, and say where.");
        var seed = CommandLine.Text("--seed", "N", "Decides what the files are, and who is killed when. Default: random, and shown.");
        Option[] all = [files, input, store, kill, json, output, keep, seed];

        if (CommandLine.Parse(About, all, arguments) is not { } values) return null;
        foreach (var text in all.OfType<Option<string>>()) _ = values[text];          // none of them may be empty
        var options = new Options(
            values.Number(files, 1, Most), Directory(values[input]), StoreChoice.Parse(values[store] ?? "memory"), values[kill],
                values[json],
            OutputFile(values[output]), values[keep], values.Number(seed, 0, int.MaxValue) ?? RandomNumberGenerator.GetInt32(1, 100_000));
        options.Check();
        return options.Input is null && options.Count is null ? options with { Count = Default } : options;
    }

    private void Check()
    {
        if (Count is not null && Input is not null) throw new UserMistake("Give either --files N or --input DIR. See --help.");
        if (Keep && Input is not null) throw new UserMistake("--keep is for files that are made; those of --input stay.");
        if (Kill && !Store.IsShared) throw new UserMistake(
            $"--kill needs --store redis:HOST:PORT: with {Store.Kind.ToString().ToLowerInvariant()} there are no services to kill, as "
                + $"that store has one owner.");
    }

    private static string? Directory(string? text)
    {
        if (text is null) return null;
        string path = Path.GetFullPath(text);
        if (File.Exists(path)) throw new UserMistake($"--input {path} is a file: name a directory.");
        return System.IO.Directory.Exists(path) ? path : throw new UserMistake($"--input {path}: there is no such directory.");
    }

    private static string? OutputFile(string? text)
    {
        if (text is null) return null;
        string path = Path.GetFullPath(text);
        if (System.IO.Directory.Exists(path) || Path.EndsInDirectorySeparator(path))
            throw new UserMistake($"--out {path} is a directory: name a file.");
        return System.IO.Directory.Exists(Path.GetDirectoryName(path)) ? path
            : throw new UserMistake($"--out {path}: its directory does not exist.");
    }
}
