using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Airports.Durable;

namespace Airports;

/// <summary>The command line, checked. The names of the options are a promise: other people's scripts use them.</summary>
internal sealed record Options(
    string Airports, Selection Selection, string? Out, string? Database, bool MultiThread, int? Workers, int Parallel, bool Progress,
    StoreOptions? Store)
{
    private const int MaxParallel = 1024;
    private const int MaxWorkers = 256;

    /// <summary>Reads the command line; null when it asked for help, which has then been shown.</summary>
    /// <exception cref="UserMistake">An option is unknown, malformed or out of range, or two contradict each other.</exception>
    public static Options? Parse(string[] arguments)
    {
        var airports = Text("--airports", "FILE",
            "Gazetteer: a CSV whose header names at least iata, latitude and longitude, or a headerless "
            + "OpenFlights airports.dat. Default: the 52 US airports that come with the sample.");
        var select = Text("--select", "WHICH", "all, first:N, or a list such as ATL,LAX,JFK. Default: the ten busiest US airports.");
        var output = Text("--out", "FILE.csv", "Where the CSV goes (an existing file is replaced). Default: distances.csv");
        var database = Text("--db", "FILE.db", "The SQLite database whose table distance is updated. Default: distances.db");
        var noOutput = Flag("--no-out", "Write no CSV.");
        var noDatabase = Flag("--no-db", "Write no database.");
        var mode = Text("--mode", "single|multi|process",
            "single: everything on one thread, in order; multi: stages on several threads; process: distances in worker processes, "
            + "which are replaced when they die. Default: multi");
        var workers = Text("--workers", "N", $"Worker processes in mode process, 1 to {MaxWorkers}. Default: the number of processors.");
        var parallel = Text("--parallel", "N",
            $"Airports whose distances are computed at a time in mode multi, 1 to {MaxParallel}. Default: the number of processors.");
        var noProgress = Flag("--no-progress", "Show no progress.");
        var store = Text("--store", "sqlite:FILE",
            "Keep every pair in a store until it is in the CSV and in the database, exactly once: killed at any time and "
            + "run again, it goes on where it was. Rows are in the order of the pairs, except that a pair that fails is overtaken while "
            + "it is tried again.");
        var failEvery = Text("--fail-every", "N", "With --store: every N-th pair fails at its first attempt, and is tried again.");
        var poison = Text("--poison", "CODE",
            "With --store: pairs with this airport always fail, and end as dead letters after 31 attempts.");
        var exitOn = Text("--exit-on", "CODE",
            "With --store: the process kills itself when it meets a pair with this airport. Started again, it runs such a pair alone, "
            + "and after three starts alone buries it.");
        var dead = Flag("--dead", "With --store: list the dead letters, and do nothing else.");
        var redrive = Flag("--redrive", "With --store: process the dead letters again, then go on.");

        var command =
            new RootCommand("Computes the great-circle distance of every pair of airports, into a CSV file and a SQLite database.\n"
            + "Exit codes: 0 done (with a store also if pairs are dead letters), 1 the run failed, 2 a mistake in what was asked for, 130 "
            + "interrupted by Ctrl+C (143 by SIGTERM) and drained.");
        // Only what is documented: no version option, no directives such as [suggest].
        foreach (var option in command.Options.Where(option => option.Name == "--version").ToList()) command.Options.Remove(option);
        command.Directives.Clear();
        Option[] all = [airports, select, output, database, noOutput, noDatabase, mode, workers, parallel, noProgress, store, failEvery,
            poison, exitOn, dead, redrive];
        foreach (var option in all) command.Options.Add(option);
        command.SetAction(_ => 0);

        // The parser would silently accept and drop a first argument such as [suggest].
        if (arguments is [['[', .., ']'] directive, ..])
            throw new UserMistake($"Unrecognized command or argument '{directive}'. See --help.");

        // A file may be called @something: no response files.
        var parsed = command.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is System.CommandLine.Help.HelpAction help)
        {
            help.Invoke(parsed);
            return null;
        }

        if (parsed.Errors.Count > 0) throw new UserMistake($"{parsed.Errors[0].Message} See --help.");
        return new Options(
            Value(parsed, airports) is { } file ? Path.GetFullPath(file) : Path.Combine(AppContext.BaseDirectory, "airports.csv"),
            Selection.Parse(Value(parsed, select)),
            FileFor(parsed, output, noOutput, "distances.csv"),
            FileFor(parsed, database, noDatabase, "distances.db"),
            MultiThreadFor(Value(parsed, mode)),
            WorkersFor(Value(parsed, mode), Value(parsed, workers), Value(parsed, store)),
            ParallelFor(Value(parsed, parallel)),
            !parsed.GetValue(noProgress),
            StoreOptions.Parse(Value(parsed, store), Value(parsed, failEvery), Value(parsed, poison), Value(parsed, exitOn),
                parsed.GetValue(dead), parsed.GetValue(redrive)));
    }

    private static Option<string> Text(string name, string value, string description)
        => new(name) { HelpName = value, Description = description };

    private static Option<bool> Flag(string name, string description)
        => new(name) { Description = description, Arity = ArgumentArity.Zero };

    private static string? Value(ParseResult parsed, Option<string> option) => parsed.GetValue(option) switch
    {
        "" => throw new UserMistake($"{option.Name} needs a value, and got an empty one. See --help."),
        var value => value,
    };

    private static string? FileFor(ParseResult parsed, Option<string> file, Option<bool> none, string standard)
    {
        var value = Value(parsed, file);
        if (!parsed.GetValue(none)) return Path.GetFullPath(value ?? standard);
        return value is null ? null : throw new UserMistake($"{file.Name} and {none.Name} contradict each other: give one of them.");
    }

    private static bool MultiThreadFor(string? mode) => mode switch
    {
        null or "multi" or "process" => true,
        "single" => false,
        _ => throw new UserMistake($"--mode must be single, multi or process, not \"{mode}\"."),
    };

    private static int? WorkersFor(string? mode, string? text, string? store)
    {
        if (mode != "process") return text is null ? null : throw new UserMistake("--workers is for --mode process.");
        if (store is not null) throw new UserMistake("--store and --mode process do not go together in this sample.");
        if (text is null) return Math.Clamp(Environment.ProcessorCount, 1, MaxWorkers);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var workers) && workers is >= 1 and <= MaxWorkers
            ? workers
            : throw new UserMistake($"--workers must be a whole number from 1 to {MaxWorkers}, not \"{text}\".");
    }

    private static int ParallelFor(string? text)
    {
        if (text is null) return Math.Clamp(Environment.ProcessorCount, 1, MaxParallel);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var parallel) && parallel is >= 1 and <= MaxParallel
            ? parallel
            : throw new UserMistake($"--parallel must be a whole number from 1 to {MaxParallel}, not \"{text}\".");
    }
}
