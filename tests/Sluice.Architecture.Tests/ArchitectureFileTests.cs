using System.Text.RegularExpressions;

namespace Sluice.Architecture.Tests;

/// <summary>ARCHITECTURE.md and the pages of docs/internals name only files that exist.</summary>
public partial class ArchitectureFileTests
{
    [Fact]
    public void EveryFileNamedInTheDocumentsExists()
    {
        string[] files = [.. new[] { "src", "tests", "samples", "bench", "tools" }.SelectMany(folder => Repository.Files(folder, "*.cs"))];
        string[] documents = ["ARCHITECTURE.md", .. Repository.Files("docs/internals", "*.md")];
        var all = documents.SelectMany(document => Named().Matches(Repository.Read(document)).Select(match => (document, match))).ToList();
        Assert.True(all.Count > 200, $"only {all.Count} files were found in {string.Join(", ", documents)}");
        List<string> missing = [];
        foreach ((string document, Match match) in all)
        {
            string name = match.Groups[1].Value;
            var pattern = new Regex($"(^|/){Regex.Escape(name).Replace(@"\*", "[^/]*", StringComparison.Ordinal)}$");
            if (!Array.Exists(files, pattern.IsMatch)) missing.Add($"{document}: {name}");
        }
        Assert.True(missing.Count == 0, $"Documents name files that are not there:\n{string.Join('\n', missing)}");
    }

    [GeneratedRegex(@"`([\w./{}*-]+\.cs)`")]
    private static partial Regex Named();
}
