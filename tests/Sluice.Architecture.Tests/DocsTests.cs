using System.Text.RegularExpressions;

namespace Sluice.Architecture.Tests;

/// <summary>
/// Every block marked <c>```csharp</c> in the documents compiles as the statements or declarations of a small program. It gets the implicit
/// usings and those of all namespaces of the core; in documents that newcomers copy from (<see cref="DocsBlock.IsStrict"/>) it gets the
/// implicit ones only. Code that a block needs but readers do not is in a comment before it: <c>&lt;!-- prelude: record Order(int Id);
/// --&gt;</c> for that block, or <c>&lt;!-- prelude of this file: … --&gt;</c> for all blocks below it. Methods are written without
/// <c>public</c> or <c>private</c>, as local functions. Blocks that are not meant to compile are marked <c>```text</c>.
/// </summary>
public partial class DocsTests
{
    [Fact]
    public void EveryBlockOfCodeCompiles()
    {
        var errors = Documents().SelectMany(DocsBlock.Of).SelectMany(block => block.Errors()).ToList();

        Assert.True(errors.Count == 0, $"Code in the documents does not compile:\n{string.Join('\n', errors)}");
    }

    /// <summary>What a reader copies must compile in the reader's program: the page says which usings it needs, in code or text that is
    /// visible. Implicit usings of the SDKs, and <c>using Sluice;</c>, go without saying.</summary>
    [Fact]
    public void EveryPageNamesTheUsingsThatItsCodeNeeds()
    {
        List<string> missing = [];
        foreach (string path in Documents().Where(static path => path != "CHANGELOG.md"))
        {
            string text = Repository.Read(path);
            string visible = Comment().Replace(text, "");
            var needs = DocsBlock.Of(path).SelectMany(static block => block.Namespaces().Select(name => (block.Line, Name: name)));
            missing.AddRange(needs
                .Where(need => !visible.Contains($"using {need.Name};", StringComparison.Ordinal)).DistinctBy(static need => need.Name)
                .Select(need => $"{path}:{need.Line} needs 'using {need.Name};', and the page does not say so."));
        }

        Assert.True(missing.Count == 0, string.Join('\n', missing));
    }

    /// <summary>The culture of the reader's machine may take a dot for a divider of thousands: 12.50 is read as 1250.</summary>
    [Fact]
    public void NumbersAndTimesAreReadWithACulture()
    {
        string[] without = [.. Documents().Concat(Repository.Files("src/Sluice.Templates/templates", "*.cs"))
            .SelectMany(static path => Repository.Read(path).Split('\n').Where(static line => Parse().IsMatch(line))
                .Select(line => $"{path}: {line.Trim()}"))];
        Assert.Empty(without);
    }

    [GeneratedRegex(@"\b(decimal|double|float|DateTime|DateTimeOffset)\.Parse\((?!.*Culture)")]
    private static partial Regex Parse();

    [Fact]
    public void PreludesBelongToTheNextBlockOrToTheRestOfTheFile()
    {
        const string Document =
            """
            <!-- prelude of this file:
            using System.Text;
            record Order(int Id); -->
            Text, and `code`.
            <!-- prelude: Order order = new(1); -->
            ```csharp
            static int Id(Order o) => o.Id;
            Console.WriteLine(Id(order) + new StringBuilder().Length);
            await Task.Yield();
            ```
            ```csharp
            class Shop(Topology topology) { Order? last; }
            ```
            ```text
            nothing to compile
            ```
            - in a list

              ```csharp
              Order last = new(2);
              Console.WriteLine(order);
              ```
            """;

        var blocks = DocsBlock.In("docs/x.md", Document).ToList();

        Assert.Equal([7, 12, 20], blocks.Select(block => block.Line));
        Assert.Equal(["docs/x.md:21: CS0103 The name 'order' does not exist in the current context"],
            blocks.SelectMany(block => block.Errors()));
    }

    [Fact]
    public void SyntaxErrorsAreReported()
        => Assert.StartsWith("README.md:3: CS1002", DocsBlock.In("README.md", "#\n```csharp\nvar x = 1\n```").Single().Errors()[0],
            StringComparison.Ordinal);

    [Fact]
    public void NamespacesAreThoseOfTheVisibleCode()
    {
        const string Document =
            """
            <!-- prelude: using System.Text.Json; var options = new JsonSerializerOptions(); -->
            ```csharp
            System.Text.StringBuilder text = new();
            IStreamStore store = new MemoryStreamStore();
            Console.WriteLine((await store.ListStateAsync("orders")).Count);
            ```
            """;

        Assert.Equal(["Sluice.Diagnostics", "Sluice.Storage"], DocsBlock.In("docs/x.md", Document).Single().Namespaces());
    }

    private static IEnumerable<string> Documents() => new[] { "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md" }
        .Where(path => File.Exists(Path.Combine(Repository.Root, path)))
        .Concat(Repository.Files("docs", "*.md"))
        .Concat(Repository.Files("samples", "*.md"))
        .Concat(Repository.Files("src", "README.md"));

    [GeneratedRegex("<!--.*?-->", RegexOptions.Singleline)]
    private static partial Regex Comment();
}
