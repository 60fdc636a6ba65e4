namespace Sluice;

/// <summary>What things of flows may be called, and what their streams in the store are called.</summary>
internal static class FlowNames
{
    public const string Runs = "flow/";
    public const int MaxRun = 64;
    private const int Longest = 100;

    /// <summary>What has happened in a run.</summary>
    public static string Journal(string run) => Runs + run;

    /// <summary>The values of a stream of a run.</summary>
    public static string Values(string run, string io) => $"{AllValues(run)}{io}";

    /// <summary>What all streams of values of a run begin with.</summary>
    public static string AllValues(string run) => $"flow-io/{run}/";

    /// <summary>What a processor that may be repeated has chosen.</summary>
    public static string Choices(string run, string processor) => $"flow-choices/{run}/{processor}";

    /// <summary>What is to be done by those who host a processor.</summary>
    public static string Work(string processor) => $"work/{processor}";

    /// <summary>The group of those who host a processor.</summary>
    public static GroupId Hosts(string processor) => new(Work(processor), "hosts");

    public static void Check(string name, string parameter)
    {
        StreamNames.Check(name, parameter, Longest);
        if (name.Contains('/')) throw new ArgumentException($"\"{name}\" has a slash; names of processors and their streams have none.", parameter);
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

    /// <summary>Letters, digits, and <c>-._</c>: it becomes part of the names of streams, and is typed by people.</summary>
    public static void CheckRun(string run, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(run, parameter);
        if (run.Length > MaxRun || !run.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' or '_'))
            throw new ArgumentException($"\"{run}\" cannot be the id of a run: it has 1 to {MaxRun} letters, digits, and the characters - . _ only.", parameter);
    }
}
