namespace Sluice.Generators;

/// <summary>SLU006: brackets behind a chain without parentheses, as in <c>source | Twice &lt; [p, q] &gt; Save</c>.</summary>
/// <remarks>C# binds <c>&lt;</c> tighter than <c>|</c>, and only says that it cannot be applied to a method group.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class BracketPlaceAnalyzer() : SyntaxAnalyzer<BinaryExpressionSyntax>(Rules.BracketPlace, SyntaxKind.LessThanExpression)
{
    private protected override void Check(BinaryExpressionSyntax brackets, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var model = context.SemanticModel;
        if (model.GetSymbolInfo(brackets, context.CancellationToken).Symbol is not null) return;
        if (brackets.Right.WithoutParentheses() is not CollectionExpressionSyntax
            && model.GetTypeInfo(brackets.Right, context.CancellationToken).Type?.Name != "Routing") return;

        SyntaxNode form = brackets;
        while (form.Parent is BinaryExpressionSyntax
            {
                RawKind: (int)SyntaxKind.GreaterThanExpression
            or (int)SyntaxKind.LessThanExpression
            } outer && outer.Left == form) form = outer;
        if (form.Parent is not BinaryExpressionSyntax { RawKind: (int)SyntaxKind.BitwiseOrExpression } chain || chain.Right != form) return;
        if (symbols.ItemOf(model.GetTypeInfo(chain.Left, context.CancellationToken).Type) is null) return;
        context.ReportDiagnostic(Violation(brackets.Left, "C# binds '<' tighter than '|': put the chain before it in parentheses, "
            + $"'({StageText.Short(chain.Left)} | {StageText.Short(brackets.Left)}) < …'"));
    }
}
