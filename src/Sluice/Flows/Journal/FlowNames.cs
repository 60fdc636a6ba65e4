namespace Sluice.Flows;

/// <summary>The names of runs, processors and streams: which are valid, and how a run's streams are named in the store.</summary>
internal static class FlowNames
{
    public const string Runs = "flow/";
    public const int MaxRun = 64;
    private const int Longest = 100;
    private const string StartPrefix = "start of ";

    /// <summary>The journal of a run.</summary>
    public static string Journal(string run) => Runs + run;

    /// <summary>The stream in the store with the values of a run's stream.</summary>
    public static string Values(string run, string io) => $"{AllValues(run)}{io}";

    /// <summary>The common prefix of all value streams of a run.</summary>
    public static string AllValues(string run) => $"flow-io/{run}/";

    /// <summary>The choices log of a processor that resumes from scratch.</summary>
    public static string Choices(string run, string processor) => $"flow-choices/{run}/{processor}";

    /// <summary>The choices log of the start of a run, for one of its inputs.</summary>
    public static string StartChoices(string run, string input) => Choices(run, StartPrefix + input);

    /// <summary>The work stream of a processor: orders for its hosts.</summary>
    public static string Work(string processor) => $"work/{processor}";

    /// <summary>The consumer group of a processor's hosts.</summary>
    public static GroupId Hosts(string processor) => new(Work(processor), "hosts");

    public static void Check(string name, string parameter)
    {
        StreamNames.Check(name, parameter, Longest);
        if (name.Contains('/')) throw new ArgumentException($"\"{name}\" has a slash; names of processors and their streams have none.",
            parameter);
    }

    /// <summary>Checks the name of a processor, of which names of readers and streams are made.</summary>
    public static void CheckProcessor(string name, string parameter)
    {
        CheckReader(name, parameter);
        if (name.StartsWith(StartPrefix, StringComparison.Ordinal))
            throw new ArgumentException($"\"{name}\" cannot be the name of a processor: those that begin with \"{StartPrefix}\" are "
                + "Sluice's own.", parameter);
    }

    /// <summary>Checks the name of a service or a processor, of which names of readers are made.</summary>
    public static void CheckReader(string name, string parameter)
    {
        Check(name, parameter);
        if (ReaderNames.Plain(name).Length < name.Length)
            throw new ArgumentException($"\"{name}\" cannot be the name of a processor or a service: those that end with \" (gate)\" are "
                + "Sluice's own.", parameter);
    }

    public static IReadOnlyList<string> CheckAll(IReadOnlyList<string> names, string processor, string property)
    {
        ArgumentNullException.ThrowIfNull(names, property);
        string[] copy = [.. names];
        foreach (string name in copy) Check(name, property);
        if (copy.GroupBy(name => name).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new ArgumentException($"The processor {processor} has \"{twice.Key}\" twice among its {property}.", property);
        return Array.AsReadOnly(copy);
    }

    /// <summary>Allows letters, digits and <c>-._</c> only: people type the id, and stream names contain it.</summary>
    public static void CheckRun(string run, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(run, parameter);
        if (run.Length > MaxRun || !run.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' or '_'))
            throw new ArgumentException(
                $"\"{run}\" cannot be the id of a run: it has 1 to {MaxRun} letters, digits, and the characters - . _ only.", parameter);
    }
}
