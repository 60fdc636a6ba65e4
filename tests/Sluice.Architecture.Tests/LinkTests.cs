using System.Text.RegularExpressions;

namespace Sluice.Architecture.Tests;

/// <summary>Links between the documents lead to existing files and headings.</summary>
public partial class LinkTests
{
    [Fact]
    public void EveryRelativeLinkResolves()
    {
        string[] documents = [.. Repository.Files("", "*.md")];
        Assert.True(documents.Length > 50, $"only {documents.Length} documents were found");
        var broken = documents.SelectMany(Broken).ToList();
        Assert.True(broken.Count == 0, $"Links that lead nowhere:\n{string.Join('\n', broken)}");
    }

    [Theory]
    [InlineData("## Completion, drain, cancel", "completion-drain-cancel")]
    [InlineData("### The forms behind `|`", "the-forms-behind-")]
    [InlineData("# A [link](x.md) and *more*", "a-link-and-more")]
    public void AHeadingHasTheAnchorThatGitHubGivesIt(string heading, string anchor) => Assert.Equal([anchor], Anchors(heading));

    private static IEnumerable<string> Broken(string path)
    {
        string text = Code().Replace(Repository.Read(path), "");
        foreach (Match link in Links().Matches(text))
        {
            string target = link.Groups[1].Value;
            if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal)) continue;
            string[] parts = target.Split('#', 2);
            string whole = Path.Combine(Repository.Root, parts[0].Length == 0 ? path
                : Path.Combine(Path.GetDirectoryName(path)!, parts[0]));
            bool hasHeading = parts.Length == 2 && whole.EndsWith(".md", StringComparison.Ordinal);
            if (!File.Exists(whole) && !Directory.Exists(whole)) yield return $"{path}: {target}: there is no such file";
            else if (hasHeading && !Anchors(File.ReadAllText(whole)).Contains(parts[1]))
                yield return $"{path}: {target}: there is no such heading";
        }
    }

    private static List<string> Anchors(string document)
    {
        List<string> anchors = [];
        foreach (Match heading in Headings().Matches(Blocks().Replace(document.ReplaceLineEndings("\n"), "")))
        {
            string words = LinkText().Replace(heading.Groups[1].Value.Trim(), "$1").ToLowerInvariant();
            string anchor = Dropped().Replace(words, "").Replace(' ', '-');
            int same = anchors.Count(each => each == anchor);
            anchors.Add(same == 0 ? anchor : $"{anchor}-{same}");
        }
        return anchors;
    }

    [GeneratedRegex(@"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex(@"^[ ]*```.*?^[ ]*```[ ]*$|`[^`\n]+`", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Code();

    [GeneratedRegex(@"^[ ]*```.*?^[ ]*```[ ]*$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Blocks();

    [GeneratedRegex(@"^#{1,6} (.+)$", RegexOptions.Multiline)]
    private static partial Regex Headings();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex LinkText();

    [GeneratedRegex(@"[^\p{L}\p{N}\p{M} _-]")]
    private static partial Regex Dropped();
}
