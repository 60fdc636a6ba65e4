using System.CommandLine;

namespace Words;

/// <summary>The command line, checked.</summary>
/// <param name="Files">How many files are made.</param>
/// <param name="Executor">What executes the extractor: local, python or celery.</param>
/// <param name="Kill">Whether the processes that execute it are killed now and then.</param>
/// <param name="Seed">Decides what is in the files, and when something is killed.</param>
internal sealed record Options(int Files, string Executor, bool Kill, int Seed)
{
    private const string About = """
        Counts the words of files by a flow: discover -> read -> extract -> index. The extractor is in C# or in Python.

          dotnet run -c Release --project samples/Words
          dotnet run -c Release --project samples/Words -- --executor python --kill
          dotnet run -c Release --project samples/Words -- --executor celery --kill

        Makes the files, starts what it needs (for celery a redis-server and a worker; both must be installed), and ends with one
        line that says what was counted.

        Exit codes: 0 done; 1 it could not go on, or a file or word is missing or was counted twice; 2 a mistake in what was asked
        for; 130 interrupted.
        """;

    /// <summary>Reads the command line; null when it asked for help, which has then been shown.</summary>
    /// <exception cref="UserMistake">An option is unknown, malformed or out of range, or two contradict each other.</exception>
    public static Options? Parse(string[] arguments)
    {
        var files = CommandLine.Text("--files", "N", "Make N files in a temporary directory, of up to 16 KB. Default: 1000");
        var executor = CommandLine.Text("--executor", "WHAT",
            "What executes the extractor. local: this program; python: child processes; celery: a Celery worker. Default: local");
        var kill = CommandLine.Flag("--kill", "Kill the processes of the extractor now and then; not with local.");
        var seed = CommandLine.Text("--seed", "N", "Decides what is in the files, and when something is killed. Default: 1");
        if (CommandLine.Parse(About, [files, executor, kill, seed], arguments) is not { } values) return null;
        string by = values[executor] ?? "local";
        if (by is not ("local" or "python" or "celery"))
            throw new UserMistake($"--executor must be local, python or celery, not \"{by}\".");
        if (values[kill] && by == "local") throw new UserMistake("--kill needs --executor python or celery: local has no process to kill.");
        return new(values.Number(files, 1, 1_000_000) ?? 1000, by, values[kill], values.Number(seed, 0, int.MaxValue) ?? 1);
    }
}
