using System.Text.RegularExpressions;

namespace Sluice.Architecture.Tests;

/// <summary><c>./test --fast</c> leaves out what starts a program, so each class of its projects that does so says it.</summary>
public partial class FastTestsTests
{
    [Fact]
    public void ClassesThatStartProgramsAreMarked()
    {
        string[] projects = [.. Project().Matches(Repository.Read("tests/fast.slnf")).Select(match => match.Groups[1].Value)];
        Assert.Equal(6, projects.Length);
        foreach (string project in projects)
        {
            var unmarked = Unmarked(Repository.Files(project, "*.cs").Select(Repository.Read)).ToList();
            Assert.True(unmarked.Count == 0, $"{project}: [StartsProcesses] is missing at {string.Join(", ", unmarked)}.");
        }
    }

    [Fact]
    public void AClassThatStartsAProgramByAHelperIsFound() => Assert.Equal(["DirectTests", "IndirectTests"], Unmarked(
        [
            "class Helper { void Go() => Process.Start(x); }", "class Lab { Helper helper; }", "class IndirectTests { [Fact] Lab lab; }",
            "class DirectTests { [Theory] void A() => Process.Start(x); }", "class OtherTests { [Fact] void A() => HelperOfMine(); }",
            "[StartsProcesses] class MarkedTests { [Fact] Lab lab; }", "partial class MarkedTests { [Fact] Lab lab; }",
        ]).Order());

    // By names, as a reader would look: a helper that names a starter is one.
    private static IEnumerable<string> Unmarked(IEnumerable<string> texts)
    {
        (string Text, bool IsTest)[] files = [.. texts.Select(text => (text, Test().IsMatch(text)))];
        HashSet<string> starters = ["RedisServer", "PostgresServer", "SampleProcess"];
        bool Starts(string text) => text.Contains("Process.Start(", StringComparison.Ordinal)
            || Word().Matches(text).Any(word => starters.Contains(word.Value));
        for (int known = -1; known != starters.Count;)
        {
            known = starters.Count;
            foreach ((string text, _) in files.Where(file => !file.IsTest && Starts(file.Text))) starters.UnionWith(Classes(text));
        }
        HashSet<string> marked = [.. files.Where(file => file.Text.Contains("[StartsProcesses]", StringComparison.Ordinal))
            .SelectMany(file => Classes(file.Text))];
        return files.Where(file => file.IsTest && Starts(file.Text)).Select(file => Classes(file.Text).First())
            .Where(name => !marked.Contains(name)).Distinct();
    }

    private static IEnumerable<string> Classes(string text) => Class().Matches(text).Select(match => match.Groups[1].Value);

    [GeneratedRegex("\"(tests/[\\w.]+)/")]
    private static partial Regex Project();

    [GeneratedRegex(@"\[(Fact|Theory)\b")]
    private static partial Regex Test();

    [GeneratedRegex(@"\b[A-Z]\w+")]
    private static partial Regex Word();

    [GeneratedRegex(@"\bclass (\w+)")]
    private static partial Regex Class();
}
