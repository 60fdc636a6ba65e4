using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sluice.Architecture.Tests;

/// <summary>
/// An exception in an async void method ends the process. An await without ConfigureAwait returns to the context of the caller, whose
/// thread may be blocked.
/// </summary>
public class AwaitRuleTests
{
    // Code that runs on the scheduler of a run, by design in the context of a single-threaded run. Code of heartbeat threads says
    // ConfigureAwait(true).
    private static readonly string[] OnTheSchedulerByDesign =
    [
        "src/Sluice/Delivery/Leasing/RoundPump.cs", "src/Sluice/Delivery/Rounds/StageEnds.cs", "src/Sluice/Delivery/Intake/AcceptStage.cs",
            "src/Sluice/Delivery/Intake/ClientIntake.cs",
        "src/Sluice/Delivery/Local/LocalWork.cs", "src/Sluice/Delivery/Committing/Committer.SettlingFirst.cs",
            "src/Sluice/Delivery/Leasing/EntranceRun.cs",
        "src/Sluice/Delivery/Leasing/ConsecutorPump.cs", "src/Sluice/Delivery/Leasing/LeasePump.cs",
        "src/Sluice/Delivery/Leasing/LeaseFetcher.cs", "src/Sluice/Delivery/Leasing/LeaseFetcher.Reloading.cs",
    ];

    private static readonly string[] Rooms = ["src/Sluice/Storage/", "src/Sluice/Delivery/", "src/Sluice/Flows/", "src/Sluice/Scheduling/"];

    [Fact]
    public void NoMethodIsAsyncVoid()
    {
        var found = Trees().SelectMany(tree => tree.GetRoot().DescendantNodes().Where(IsAsyncVoid).Select(Place)).ToList();

        Assert.True(found.Count == 0,
            $"What an async void method throws ends the process; return a Task that somebody owns:\n{string.Join('\n', found)}");
    }

    [Fact]
    public void EveryAwaitUsesConfigureAwait()
    {
        var found = new[] { "Sluice", "Sluice.Sqlite", "Sluice.Redis", "Sluice.PostgreSql", "Shared" }.SelectMany(FilesOf)
            .Where(path => (Rooms.Any(room => path.StartsWith(room, StringComparison.Ordinal))
            || !path.StartsWith("src/Sluice/", StringComparison.Ordinal)) && !OnTheSchedulerByDesign.Contains(path))
            .SelectMany(path => Compiler.Tree(path).GetRoot().DescendantNodes().OfType<AwaitExpressionSyntax>()
            .Where(wait => !wait.Expression.ToString().Contains("ConfigureAwait", StringComparison.Ordinal)).Select(Place)).ToList();

        Assert.True(found.Count == 0,
            $"A caller's context may be a thread that blocks; ConfigureAwait(false), or (true) on the threads of the "
                + $"hearts:\n{string.Join('\n', found)}");
    }

    [Fact]
    public void CancellableStoreForwardsEveryCallOfAStore()
    {
        IAssemblySymbol core = Compiler.Built("Sluice");
        INamedTypeSymbol store = core.GetTypeByMetadataName("Sluice.Storage.IStreamStore")!,
            wrapper = core.GetTypeByMetadataName("Sluice.Storage.CancellableStore")!;
        var left = store.GetMembers().Where(member => member is IMethodSymbol or IPropertySymbol && !member.IsStatic
            && !SymbolEqualityComparer.Default.Equals(wrapper.FindImplementationForInterfaceMember(member)?.ContainingType, wrapper))
            .Select(member => member.ToDisplayString()).ToList();

        Assert.True(left.Count == 0,
            $"CancellableStore would use the default of the interface instead of the store's own:\n{string.Join('\n', left)}");
    }

    private static IEnumerable<SyntaxTree> Trees()
        => Repository.Packages.Where(package => package != "Sluice.Generators").Append("Shared").SelectMany(FilesOf).Select(Compiler.Tree);

    private static IEnumerable<string> FilesOf(string package) => Repository.Files($"src/{package}", "*.cs");

    private static bool IsAsyncVoid(SyntaxNode node) => node switch
    {
        MethodDeclarationSyntax method => method.Modifiers.Any(SyntaxKind.AsyncKeyword) && method.ReturnType.ToString() == "void",
        LocalFunctionStatementSyntax local => local.Modifiers.Any(SyntaxKind.AsyncKeyword) && local.ReturnType.ToString() == "void",
        _ => false,
    };

    private static string Place(SyntaxNode node)
        => $"{node.SyntaxTree.FilePath}:{node.GetLocation().GetLineSpan().StartLinePosition.Line + 1}: {node.ToString().Split('\n')[0]}";
}
