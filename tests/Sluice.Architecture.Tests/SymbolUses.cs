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
                if ((info.Symbol ?? info.CandidateSymbols.FirstOrDefault()) is not { } symbol) continue;
                if (symbol is not (INamedTypeSymbol or IMethodSymbol or IPropertySymbol or IFieldSymbol or IEventSymbol)) continue;
                yield return new(tree.FilePath, LineOf(node), symbol.OriginalDefinition);
            }
        }
    }

    private static int LineOf(SyntaxNode node) => node.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
}
