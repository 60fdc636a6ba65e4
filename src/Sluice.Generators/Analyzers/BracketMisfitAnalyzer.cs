namespace Sluice.Generators;

/// <summary>
/// SLU008: brackets with an element that does not fit, as in <c>source | [Print, s => s | F | Save]</c> or <c>source &lt; [pipe, F] &gt;
/// Save</c>.
/// </summary>
/// <remarks>
/// The compiler only says that the operator cannot be applied to a collection expression, or that there is no such sink. This analyzer
/// points at the element and says what to write.
/// </remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class BracketMisfitAnalyzer() : SyntaxAnalyzer<BinaryExpressionSyntax>(
    Rules.BracketMisfit, SyntaxKind.BitwiseOrExpression, SyntaxKind.LessThanExpression)
{
    private protected override void Check(BinaryExpressionSyntax stage, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var (part, message) = Misfit(stage, context.SemanticModel, symbols);
        if (message is not null) context.ReportDiagnostic(Violation(part?.Written ?? stage.Right, message));
    }

    /// <summary>The first element that does not fit in the brackets of a stage, with a message; nothing if the brackets compile.</summary>
    internal static (BracketPart? Part, string? Message) Misfit(BinaryExpressionSyntax stage, SemanticModel model,
        SluiceSymbols symbols)
    {
        if (stage.Right.WithoutParentheses() is not CollectionExpressionSyntax brackets) return default;
        if (symbols.ItemOf(model.GetTypeInfo(stage.Left).Type) is not { } item) return default;
        // Brackets of sinks compile with any element, and each element that is no sink is refused separately.
        if (model.GetSymbolInfo(stage).Symbol is IMethodSymbol chosen && chosen.Parameters.LastOrDefault()?.Type.Name != "SinkCollection")
            return default;
        return new Brackets(
            BracketPart.Of(brackets, model, symbols), item, item.ToMinimalDisplayString(model, brackets.SpanStart),
                StageText.LastStage(stage.Left, model), stage.IsKind(SyntaxKind.LessThanExpression), model, symbols).Misfit();
    }
}
