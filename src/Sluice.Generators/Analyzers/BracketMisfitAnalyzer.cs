namespace Sluice.Generators;

/// <summary>
/// SLU008, the reason of brackets that fit nowhere: <c>source | [Print, s => s | F | Save]</c>, <c>source &lt; [pipe, F] &gt; Save</c>. The compiler only says that the operator cannot be applied to a collection expression, or that there is no
/// such sink. This points at the element, and says what to write.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed partial class BracketMisfitAnalyzer() : SyntaxAnalyzer<BinaryExpressionSyntax>(
    [SyntaxKind.BitwiseOrExpression, SyntaxKind.LessThanExpression],
    Lambda, Overloaded, Nested, Empty, Takes, Outputs, EndAmongBranches, Ends, NoPipe, BesideRouter, Named, NoBranch, NoPipeOrRouter, Map, Consecutor, Node, Source, RouterTakes, RouterReturns, RouterLambda, SeveralRouters)
{
    private protected override void Check(BinaryExpressionSyntax stage, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var (part, rule, words) = Misfit(stage, context.SemanticModel, symbols);
        if (rule is not null) context.ReportDiagnostic(Diagnostic.Create(rule, (part?.Written ?? stage.Right).GetLocation(), words));
    }

    /// <summary>What does not fit in the brackets of a stage, and why; nothing where they compile.</summary>
    internal static (BracketPart? Part, DiagnosticDescriptor? Rule, object[] Words) Misfit(BinaryExpressionSyntax stage, SemanticModel model, SluiceSymbols symbols)
    {
        if (stage.Right.WithoutParentheses() is not CollectionExpressionSyntax brackets) return default;
        if (symbols.ItemOf(model.GetTypeInfo(stage.Left).Type) is not { } item) return default;
        // Brackets of ends take anything, and refuse what is no end one by one.
        if (model.GetSymbolInfo(stage).Symbol is IMethodSymbol chosen && chosen.Parameters.LastOrDefault()?.Type.Name != "SinkCollection") return default;
        return new Brackets(
            BracketPart.Of(brackets, model, symbols), item, item.ToMinimalDisplayString(model, brackets.SpanStart), StageText.LastStage(stage.Left, model), stage.IsKind(SyntaxKind.LessThanExpression), model, symbols).Misfit();
    }
}
