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
        var (name, reason) = Misfit(lambda, parameter, type, model);
        string why = name is null
            ? $"this lambda does not compile for them; write '({type} {parameter.Identifier.Text}) => …' and the compiler says why"
            : reason == CandidateReason.None ? $"'{name.Identifier.Text}' is not known there, so this lambda fits no stage"
            : $"'{name.Identifier.Text}' does not take the arguments it is given, so this lambda fits no stage";
        context.ReportDiagnostic(Violation((SyntaxNode?)name ?? lambda, $"The items here are of type '{type}', and {why}"));
    }

    /// <summary>Binds the lambda with a written parameter type, and returns the first name that then means nothing.</summary>
    private static (SimpleNameSyntax? Name, CandidateReason Reason) Misfit(
        LambdaExpressionSyntax lambda, ParameterSyntax parameter, string type, SemanticModel model)
    {
        var typed = SyntaxFactory.ParenthesizedLambdaExpression(lambda.Body)
            .WithModifiers(lambda.Modifiers)
            .WithParameterList(SyntaxFactory.ParameterList(SyntaxFactory.SingletonSeparatedList(
                SyntaxFactory.Parameter(parameter.Identifier).WithType(SyntaxFactory.ParseTypeName(type + " ")))));
        var statement = SyntaxFactory.ParseStatement($"var probe = {typed.ToFullString()};");
        if (!model.TryGetSpeculativeSemanticModel(lambda.SpanStart, statement, out var speculative)) return default;
        var probe = statement.DescendantNodes().OfType<LambdaExpressionSyntax>().First();

        // Both bodies have the same text, so their names are in the same order.
        foreach (var (name, bound) in Names(lambda).Zip(Names(probe), (name, bound) => (name, bound)))
        {
            var info = speculative.GetSymbolInfo(bound);
            if (info.Symbol is null && info.CandidateReason is CandidateReason.None or CandidateReason.OverloadResolutionFailure)
                return (name, info.CandidateReason);
        }

        return default;
    }

    /// <summary>The names that must mean something: accessed members, called methods, and plain values.</summary>
    private static IEnumerable<SimpleNameSyntax> Names(LambdaExpressionSyntax lambda) => lambda.Body.DescendantNodesAndSelf()
        .OfType<SimpleNameSyntax>()
        .Where(name => name.Identifier.Text is not ("_" or "var" or "nameof"));

    /// <summary>Whether it is an operator of the library that exists only to be refused, with a message (SLU001).</summary>
    private static bool IsRefusal(ISymbol symbol) =>
        symbol.GetAttributes().Any(attribute => attribute.AttributeClass?.Name == nameof(ObsoleteAttribute));
}
