using Microsoft.CodeAnalysis;

namespace Sluice.Architecture.Tests;

/// <summary>
/// The folders of src/Sluice are its architecture: each may use only those below it. This table is the rule; ARCHITECTURE.md
/// explains it. What a folder may use includes what those may use.
/// </summary>
public partial class FolderArrowTests
{
    private static readonly Dictionary<string, string[]> Arrows = new()
    {
        ["Topologies"] = [],
        ["Policies"] = [],
        ["Diagnostics"] = ["Topologies"],
        ["Storage"] = [],
        ["Scheduling"] = ["Diagnostics"],
        ["Membership"] = ["Storage", "Scheduling"],
        ["Engine"] = ["Topologies", "Policies", "Diagnostics", "Scheduling"],
        ["Pipelines"] = ["Engine"],
        ["Producers"] = ["Pipelines", "Storage"],
        ["Delivery"] = ["Pipelines", "Producers", "Membership"],
        ["Graphs"] = ["Topologies", "Policies", "Diagnostics", "Scheduling"],
        ["Bridges"] = ["Pipelines", "Graphs"],
        ["ChildProcesses"] = ["Policies", "Scheduling", "Storage"],
        ["Processes"] = ["Pipelines", "Storage", "ChildProcesses"],
        ["Flows"] = ["Membership", "Topologies", "Policies"],
        ["Executors"] = ["Flows", "ChildProcesses"],
    };

    [Fact]
    public void FoldersUseOnlyTheFoldersBelowThem()
    {
        var violations = Violations(SymbolUse.InPackage("Sluice"));

        Assert.True(violations.Count == 0, $"{violations.Count} uses against the arrows:\n{string.Join('\n', violations)}");
    }

    [Fact]
    public void TheArrowsHaveNoCycle()
        => Assert.All(Arrows.Keys, folder => Assert.DoesNotContain(folder, Below(folder)));

    [Fact]
    public void AUseAgainstAnArrowIsNamed()
    {
        var compilation = Compiler.Compile("Sluice",
        [
            ("src/Sluice/Engine/Run.cs", "namespace Sluice; class Run { public static Run operator |(Run a, Run b) => a; }"),
            ("src/Sluice/Policies/Retry.cs", "namespace Sluice; class Retry\n{\n    object x = new Run();\n}"),
            ("src/Sluice/Pipelines/Pipe.cs", "namespace Sluice; class Pipe { Run? run; }"),
            ("src/Sluice/Odd/Odd.cs", "namespace Sluice; class Odd { Run? run; }"),
        ], OutputKind.DynamicallyLinkedLibrary);

        Assert.Equal(
        [
            "src/Sluice/Odd/Odd.cs:1: the folder Odd is not in the table of arrows; add it there and in ARCHITECTURE.md",
            "src/Sluice/Policies/Retry.cs:3: Policies must not use Engine (Run); it may use nothing",
        ], Violations(SymbolUse.In(compilation)));
    }

    private static List<string> Violations(IEnumerable<SymbolUse> uses) =>
    [
        .. uses
            .Select(use => (use, from: FolderOf(use.Path),
            to: use.Symbol.Files.Select(FolderOf).ToList()))
            .Where(use => use.from is not null && use.to.Count > 0 && !use.to.Contains(null) && !use.to.Contains(use.from))
            .Select(use => Explain(use.use, use.from!, use.to))
            .OfType<string>().Distinct().Order(StringComparer.Ordinal),
    ];

    private static string? Explain(SymbolUse use, string from, List<string?> to)
    {
        var at = $"{use.Path}:{use.Line}";
        if (!Arrows.ContainsKey(from)) return $"{at}: the folder {from} is not in the table of arrows; add it there and in ARCHITECTURE.md";
        var allowed = Below(from);
        if (to.Any(folder => allowed.Contains(folder!))) return null; // partial types may be declared in several folders
        var may = allowed.Count == 0 ? "nothing" : string.Join(", ", allowed.Order(StringComparer.Ordinal));
        return $"{at}: {from} must not use {to[0]} ({use.Symbol}); it may "
            + $"use {may}";
    }

    /// <summary>The folder of the core that a file is in; null outside of it, and for files at its root, which belong to all.</summary>
    private static string? FolderOf(string? path)
        => path?.Split('/') is ["src", "Sluice", var folder, _, ..] ? folder : null;

    private static HashSet<string> Below(string folder)
    {
        var below = new HashSet<string>(StringComparer.Ordinal);
        var next = new Stack<string>(Arrows[folder]);
        while (next.TryPop(out var lower))
            if (below.Add(lower))
                foreach (var further in Arrows[lower]) next.Push(further);
        return below;
    }
}
