namespace Sluice.Generators;

/// <summary>
/// SLU031: an output of a consecutor wired like a stage: <c>output | consecutor</c>, <c>output &lt; [c2, c3]</c>, <c>[a, b] &gt;
/// consecutor</c>. The compiler only says that the operator cannot be applied.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class WiringAnalyzer() : SyntaxAnalyzer<BinaryExpressionSyntax>(
    Rules.Wiring, SyntaxKind.BitwiseOrExpression, SyntaxKind.LessThanExpression, SyntaxKind.GreaterThanExpression)
{
    private protected override void Check(BinaryExpressionSyntax wiring, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var model = context.SemanticModel;
        if (model.GetSymbolInfo(wiring, context.CancellationToken).Symbol is not null) return;
        ExpressionSyntax left = wiring.Left.WithoutParentheses(), right = wiring.Right.WithoutParentheses();
        string to = StageText.Short(right);
        if (Item(left, "ConsecutorOutput") is { } item)
            Report(IsSeveral(right)
                ? "An output leads to one consecutor. Where several need its items, end the body in an output for each, '| "
                    + $"[Sink.Output<{item}>(\"…\"), Sink.Output<{item}>(\"…\")]', and write '….To(…)' for each"
                : $"Outputs are wired by a call, before the start: write '{StageText.Short(left)}.To({to})'");
        else if (left is CollectionExpressionSyntax { Elements.Count: > 0 } outputs && outputs.Elements[0] is ExpressionElementSyntax first
            && Item(first.Expression, "ConsecutorOutput") is not null)
            Report($"Outputs are wired by a call, before the start: write '{to}.From([{string.Join(", ",
                outputs.Elements.Select(StageText.Short))}])'");
        else if (Item(left, "Consecutor") is { } accepted)
            Report($"Consecutors are wired by outputs: end the body of '{StageText.Short(left)}' in '| Sink.Output<{accepted}>(\"name\")', "
                + $"and write '{StageText.Short(left)}.Output<{accepted}>(\"name\").To({(IsSeveral(right) ? "…" : to)})'");

        bool IsSeveral(ExpressionSyntax written) => written is CollectionExpressionSyntax
            || model.GetTypeInfo(written, context.CancellationToken).Type is { } type && SluiceSymbols.IsSequence(type);

        string? Item(ExpressionSyntax written, string name)
            => model.GetTypeInfo(written, context.CancellationToken).Type is INamedTypeSymbol { Arity: 1 } type && type.Name == name
            && symbols.IsOurs(type)
            ? type.TypeArguments[0].ToMinimalDisplayString(model, written.SpanStart) : null;

        void Report(string message) => context.ReportDiagnostic(Violation(wiring, message));
    }
}
