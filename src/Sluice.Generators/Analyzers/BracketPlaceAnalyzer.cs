using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Sluice.Generators;

/// <summary>SLU006, brackets behind a chain without parentheses: <c>source | Twice &lt; [p, q] &gt; Save</c>. C# binds <c>&lt;</c> tighter than <c>|</c>, and says only that it cannot be applied to a method group.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class BracketPlaceAnalyzer : StageAnalyzer
{
    private static readonly DiagnosticDescriptor Rule = Rules.Error("SLU006", "Brackets behind a chain without parentheses",
        "C# binds '<' tighter than '|': put the chain before it in parentheses, '({0}) < …'", "The bracket form is source < [branch, branch] > function.");

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Rule];

    private protected override void Register(CompilationStartAnalysisContext start, SluiceSymbols symbols) =>
        start.RegisterSyntaxNodeAction(action => Check(action, symbols), SyntaxKind.LessThanExpression);

    private static void Check(SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var brackets = (BinaryExpressionSyntax)context.Node;
        var model = context.SemanticModel;
        if (model.GetSymbolInfo(brackets, context.CancellationToken).Symbol is not null) return;
        if (brackets.Right.WithoutParentheses() is not CollectionExpressionSyntax && model.GetTypeInfo(brackets.Right, context.CancellationToken).Type?.Name != "Routing") return;

        SyntaxNode form = brackets;
        while (form.Parent is BinaryExpressionSyntax { RawKind: (int)SyntaxKind.GreaterThanExpression or (int)SyntaxKind.LessThanExpression } outer && outer.Left == form) form = outer;
        if (form.Parent is not BinaryExpressionSyntax { RawKind: (int)SyntaxKind.BitwiseOrExpression } chain || chain.Right != form) return;
        if (symbols.ItemOf(model.GetTypeInfo(chain.Left, context.CancellationToken).Type) is null) return;
        context.ReportDiagnostic(Diagnostic.Create(Rule, brackets.Left.GetLocation(), $"{StageText.Short(chain.Left)} | {StageText.Short(brackets.Left)}"));
    }
}
