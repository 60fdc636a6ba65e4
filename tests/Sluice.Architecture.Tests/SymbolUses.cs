using System.Collections.Concurrent;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sluice.Architecture.Tests;

/// <summary>A place in the code where a declared thing is used.</summary>
/// <param name="Path">The file.</param>
/// <param name="Line">The line, from 1.</param>
/// <param name="Symbol">The used type or member, as it was declared.</param>
internal sealed record SymbolUse(string Path, int Line, ISymbol Symbol)
{
    private static readonly ConcurrentDictionary<string, Lazy<IReadOnlyList<SymbolUse>>> Packages = new();

    /// <summary>Every use in a package of ours. Looked for once for all tests.</summary>
    internal static IReadOnlyList<SymbolUse> InPackage(string name)
        => Packages.GetOrAdd(name, static name => new(() => [.. In(Compiler.Package(name))])).Value;

    /// <summary>Every use in a compilation, of names as well as of operators, constructors and indexers without one.</summary>
    internal static IEnumerable<SymbolUse> In(CSharpCompilation compilation)
    {
        foreach (var tree in compilation.SyntaxTrees)
        {
            var model = compilation.GetSemanticModel(tree);
            foreach (var node in tree.GetRoot().DescendantNodes())
            {
                if (node is not (SimpleNameSyntax or BinaryExpressionSyntax or PrefixUnaryExpressionSyntax
                    or PostfixUnaryExpressionSyntax or AssignmentExpressionSyntax or BaseObjectCreationExpressionSyntax
                    or ConstructorInitializerSyntax or ElementAccessExpressionSyntax or CastExpressionSyntax)) continue;
                var info = model.GetSymbolInfo(node);
                if ((info.Symbol ?? info.CandidateSymbols.FirstOrDefault()) is not { } symbol)
                {
                    // Where a name means nothing, this model is blind, and a test that asks it is, too.
                    Assert.True(node is not SimpleNameSyntax name || MeansNothing(name, model),
                        $"{tree.FilePath}:{LineOf(node)}: '{node}' means nothing to the compilation in memory.");
                    continue;
                }
                if (symbol is not (INamedTypeSymbol or IMethodSymbol or IPropertySymbol or IFieldSymbol or IEventSymbol)) continue;
                yield return new(tree.FilePath, LineOf(node), symbol.OriginalDefinition);
            }
        }
    }

    // Words of the language, the names of aliases, members of what is dynamic.
    private static bool MeansNothing(SimpleNameSyntax name, SemanticModel model)
        => name.Identifier.Text is "nameof" or "notnull" or "unmanaged" or "_" || name.Parent is NameEqualsSyntax
            || (name.Parent is MemberAccessExpressionSyntax access
                && model.GetTypeInfo(access.Expression).Type?.TypeKind == TypeKind.Dynamic);

    private static int LineOf(SyntaxNode node) => node.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
}
