using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;

namespace Sluice.Generators.Tests;

/// <summary>The help link of each rule leads to a section of the page.</summary>
public partial class RulesTests
{
    [Fact]
    public void TheHelpLinkOfEachRuleIsASectionOfThePage()
    {
        string page = File.ReadAllText(Path.Combine(Root(), "docs", "analyzers.md"));
        var sections = Heading().Matches(page).Select(heading => heading.Groups[1].Value.ToLowerInvariant()).ToHashSet();
        DiagnosticDescriptor[] rules = [.. typeof(StageAnalyzer).Assembly.GetType("Sluice.Generators.Rules")!
            .GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => field.GetValue(null)).OfType<DiagnosticDescriptor>()];
        Assert.NotEmpty(rules);
        Assert.All(rules, rule =>
        {
            Assert.StartsWith("docs/analyzers.md#", rule.HelpLinkUri, StringComparison.Ordinal);
            Assert.Contains(rule.HelpLinkUri.Split('#')[1], sections);
        });
    }

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Sluice.slnx"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    [GeneratedRegex("^### (SLU[0-9]+) *$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
