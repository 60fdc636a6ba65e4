using System.Text.RegularExpressions;

namespace Sluice.Architecture.Tests;

/// <summary>
/// The tables in docs/operations have the texts that an operator sees. A text in a table has <c>…</c> for each name, number and reason. It
/// may end before the text of the sources does.
/// </summary>
public partial class OperationsPageTests
{
    private const int MinWords = 3;

    /// <summary>Texts that the sources make of pieces, or that another program writes.</summary>
    private static readonly HashSet<string> Composed =
    [
        "waiting (no host for …)", "waiting (paused since …)", "running on …, which is silent (no host for …)",
        "It has not ended a statement within the Command Timeout: …",
        "invalid input syntax for type boolean: \"harmless: Sluice reads again …\"",
    ];

    private static readonly (string Page, string Text)[] Rows = [.. Repository.Files("docs/operations", "*.md")
        .SelectMany(static page => Repository.Read(page).Split('\n').Where(static line => line.StartsWith("| ", StringComparison.Ordinal))
            .Select(static line => line.Split(" | ")[0]).SelectMany(static cell => Code().Matches(cell))
            .Select(match => (page, match.Groups[1].Value)))
        .Where(static row => row.Value.Contains(' ', StringComparison.Ordinal) && Words().Count(row.Value) >= MinWords)];

    [Fact]
    public void EveryProblemAndEveryReasonOfAHealthCheckHasARow()
    {
        List<ProblemText> texts = ProblemText.All();
        Assert.True(texts.Count > 40, $"Only {texts.Count} texts were found in the sources.");
        Assert.All(ProblemText.Makers, maker => Assert.Contains(texts,
            text => Path.GetFileName(text.Path) == $"{maker[..maker.LastIndexOf('.')]}.cs"));
        List<string> missing = [.. texts.Where(static text => !Rows.Any(row => Matches(row.Text, text.Text)))
            .Select(static text => $"{text.Path}:{text.Line} is in no table of docs/operations: {text.Text}")];
        Assert.True(missing.Count == 0, string.Join('\n', missing));
    }

    [Fact]
    public void EveryTextInATableIsInTheSources()
    {
        List<string> texts = [.. Repository.Files("src", "*.cs").SelectMany(static path => ProblemText.Strings(path)).Distinct()
            .Select(WithoutNumbers)];

        List<string> stale = [.. Rows.Where(row => !Composed.Contains(row.Text)
            && Parts(row.Text) is var parts && !texts.Exists(text => HasParts(text, parts)))
            .Select(static row => $"{row.Page} has a text that no source has: {row.Text}")];
        Assert.True(stale.Count == 0, string.Join('\n', stale));
    }

    [Theory]
    [InlineData("Partition … waits for an item", "Partition … waits for an item that has failed: …", true)]
    [InlineData("… has a backlog of 120,000 items; the limit is 5", "… has a backlog of …; the limit is ….", false)]
    [InlineData("… has a backlog of …; the limit is …", "… has a backlog of …; the limit is ….", true)]
    [InlineData("the limit is 100,000", "The … has a backlog; the limit is ….", true)]
    [InlineData("the limit … a backlog", "a backlog; the limit is ….", false)]
    public void ARowHasThePartsOfTheTextInTheirOrder(string row, string text, bool matches) => Assert.Equal(matches, Matches(row, text));

    private static bool Matches(string row, string text) => HasParts(WithoutNumbers(text), Parts(row));

    private static string WithoutNumbers(string text) => Number().Replace(text, "…");

    private static string[] Parts(string row)
        => WithoutNumbers(row).Split('…', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static bool HasParts(string text, string[] parts)
    {
        int at = 0;
        foreach (string part in parts)
        {
            at = text.IndexOf(part, at, StringComparison.Ordinal);
            if (at < 0) return false;
            at += part.Length;
        }
        return true;
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\p{L}+")]
    private static partial Regex Words();

    [GeneratedRegex(@"\d[\d,.]*\d|\d")]
    private static partial Regex Number();
}
