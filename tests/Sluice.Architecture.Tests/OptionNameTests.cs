using System.Text.RegularExpressions;
using Sluice.Storage;

namespace Sluice.Architecture.Tests;

/// <summary>The options of all packages follow one naming scheme.</summary>
public partial class OptionNameTests
{
    // Allowed names by the type of the option.
    private static readonly Dictionary<string, Regex> Allowed = new()
    {
        ["TimeSpan"] = Times(),
        ["TimeSpan?"] = Times(),
        ["int"] = Counts(),
        ["int?"] = Counts(),
        ["long"] = Counts(),
        ["long?"] = Counts(),
    };

    // Numbers that are not limits.
    private static readonly Dictionary<string, string> Terms = new()
    {
        ["ConsecutorOptions.CodeVersion"] = "a version",
        ["RunOptions.Seed"] = "a seed",
        ["StepScopeOptions.Seed"] = "a seed",
        ["ProgressOptions.ExpectedItems"] = "how many, as far as the caller knows",
        ["ProcessOptions.Workers"] = "how many, exactly",
        ["StreamOptions.Partitions"] = "how many, exactly",
        ["SupervisorOptions.WorkPartitions"] = "how many, exactly",
    };

    [Fact]
    public void OptionNamesFollowOneTable()
    {
        List<string> wrong = [];
        foreach (string file in Directory.GetFiles(Path.Combine(Repository.Root, "tests/Sluice.Architecture.Tests/approved"), "*.txt"))
        {
            string type = "";
            foreach (string line in File.ReadLines(file))
            {
                if (Type().Match(line) is { Success: true } found) type = found.Groups[1].Value;
                else if (type.EndsWith("Options", StringComparison.Ordinal) && Property().Match(line) is { Success: true } option)
                {
                    string name = option.Groups[2].Value;
                    if (!Fits(type, name, option.Groups[1].Value)) wrong.Add($"{type}.{name} ({option.Groups[1].Value})");
                }
            }
        }
        Assert.True(wrong.Count == 0,
            $"Options with names of their own (limits are Max…, times …Timeout, …Interval or …Duration, callbacks "
                + $"On…):\n{string.Join('\n', wrong)}");
    }

    [Theory]
    [InlineData("RunOptions", "StopGrace", "TimeSpan", false)]
    [InlineData("RunOptions", "StopTimeout", "TimeSpan", true)]
    [InlineData("TcpOptions", "MostConnections", "int", false)]
    [InlineData("TcpOptions", "Listening", "Action<IPEndPoint>?", false)]
    [InlineData("RunOptions", "Seed", "int?", true)]
    public void TheTableTellsRightNamesFromWrongOnes(string type, string name, string value, bool fits)
        => Assert.Equal(fits, Fits(type, name, value));

    private static bool Fits(string type, string name, string value)
    {
        if (Terms.ContainsKey($"{type}.{name}")) return true;
        if (Forbidden().IsMatch(name)) return false;
        if (value.StartsWith("Action<", StringComparison.Ordinal))
            return name.StartsWith("On", StringComparison.Ordinal) || name == "Configure";
        return !Allowed.TryGetValue(value, out Regex? pattern) || pattern.IsMatch(name);
    }

    [GeneratedRegex(@"^\S+: public .*(?:class|record|struct) (\w+)")]
    private static partial Regex Type();

    [GeneratedRegex(@"^    public (?!static|const)(\S+) (\w+) \{ get; init; \}")]
    private static partial Regex Property();

    [GeneratedRegex("(Timeout|Interval|Duration|Window)$|^MaxJitter$")]
    private static partial Regex Times();

    [GeneratedRegex("^Max[A-Z]")]
    private static partial Regex Counts();

    [GeneratedRegex("^(Most|Longest)|Patience|Grace|Capacity$|^Warn$|Slots")]
    private static partial Regex Forbidden();
}
