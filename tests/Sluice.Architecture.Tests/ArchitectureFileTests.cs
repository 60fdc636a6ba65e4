using System.Text.RegularExpressions;

namespace Sluice.Architecture.Tests;

/// <summary>ARCHITECTURE.md names only files that are there.</summary>
public partial class ArchitectureFileTests
{
    [Fact]
    public void EveryFileThatIsNamedIsThere()
    {
        string[] files = [.. new[] { "src", "tests", "samples", "bench" }.SelectMany(folder => Repository.Files(folder, "*.cs"))];
        List<string> missing = [];
        MatchCollection all = Named().Matches(Repository.Read("ARCHITECTURE.md"));
        Assert.True(all.Count > 100, $"only {all.Count} files were found in ARCHITECTURE.md");
        foreach (Match named in all)
        {
            string name = named.Groups[1].Value;
            var pattern = new Regex($"(^|/){Regex.Escape(name).Replace(@"\*", "[^/]*", StringComparison.Ordinal)}$");
            if (!Array.Exists(files, pattern.IsMatch)) missing.Add(name);
        }
        Assert.True(missing.Count == 0, $"ARCHITECTURE.md names files that are not there: {string.Join(", ", missing)}");
    }

    [GeneratedRegex(@"`([\w./{}*-]+\.cs)`")]
    private static partial Regex Named();
}
