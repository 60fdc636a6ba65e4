namespace Sluice.Generators;

/// <summary>
/// SLU007: the name that does not fit in a lambda. For <c>source | (x => x.Nmae)</c> the compiler only says that the operator cannot be
/// applied to a lambda.
/// </summary>
/// <remarks>
/// The analyzer binds the lambda once more, with the type of the items, and reports the first name that then means nothing.
/// </remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class LambdaMisfitAnalyzer() : SyntaxAnalyzer<BinaryExpressionSyntax>(
    Rules.LambdaMisfit, SyntaxKind.BitwiseOrExpression, SyntaxKind.GreaterThanExpression)
{
    private protected override void Check(BinaryExpressionSyntax stage, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var model = context.SemanticModel;
        if (stage.Right.WithoutParentheses() is not LambdaExpressionSyntax lambda) return;
        if (lambda.Parameter() is not { Type: null } parameter) return;
        if (model.GetSymbolInfo(stage, context.CancellationToken).Symbol is { } found && !IsRefusal(found)) return;
        if (symbols.ItemOf(model.GetTypeInfo(stage.Left, context.CancellationToken).Type) is not { } item) return;

        var type = item.ToMinimalDisplayString(model, lambda.SpanStart);
        var unknown = LambdaProbe.FirstUnknown(lambda, [(parameter, type)], model);
        string why = unknown is null
            ? $"this lambda does not compile for them; write '({type} {parameter.Identifier.Text}) => …' and the compiler says why"
            : $"{unknown.Value.Reason}, so this lambda fits no stage";
        context.ReportDiagnostic(Violation((SyntaxNode?)unknown?.Name ?? lambda, $"The items here are of type '{type}', and {why}"));
    }

    /// <summary>Whether it is an operator of the library that exists only to be refused, with a message (SLU001).</summary>
    private static bool IsRefusal(ISymbol symbol) =>
        symbol.GetAttributes().Any(attribute => attribute.AttributeClass?.Name == nameof(ObsoleteAttribute));
}
