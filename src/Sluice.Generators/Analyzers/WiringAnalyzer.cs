namespace Sluice.Generators;

/// <summary>
/// SLU031: an output of a consecutor wired like a stage: <c>output | consecutor</c>, <c>output &lt; [c2, c3]</c>, <c>[a, b] &gt;
/// consecutor</c>. The compiler only says that the operator cannot be applied.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class WiringAnalyzer() : SyntaxAnalyzer<BinaryExpressionSyntax>(
    [SyntaxKind.BitwiseOrExpression, SyntaxKind.LessThanExpression, SyntaxKind.GreaterThanExpression], One, Several, Merged, Consecutors)
{
    private const string Id = "SLU031";

    private static readonly RuleFamily Family = new("An output of a consecutor that is wired like a stage",
        "Wiring changes what a consecutor does, so it is a call and no expression: output.To(consecutor), consecutor.From([output, …]).");

    private static readonly DiagnosticDescriptor One = Family.Error(Id,
        "Outputs are wired by a call, before the start: write '{0}.To({1})'");

    private static readonly DiagnosticDescriptor Several = Family.Error(Id,
        "An output leads to one consecutor. Where several need its items, end the body in an output for each, '| "
            + "[Sink.Output<{1}>(\"…\"), Sink.Output<{1}>(\"…\")]', and write '….To(…)' for each");

    private static readonly DiagnosticDescriptor Merged = Family.Error(Id,
        "Outputs are wired by a call, before the start: write '{1}.From([{0}])'");

    private static readonly DiagnosticDescriptor Consecutors = Family.Error(Id,
        "Consecutors are wired by outputs: end the body of '{0}' in '| Sink.Output<{2}>(\"name\")', and write "
            + "'{0}.Output<{2}>(\"name\").To({1})'");

    private protected override void Check(BinaryExpressionSyntax wiring, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var model = context.SemanticModel;
        if (model.GetSymbolInfo(wiring, context.CancellationToken).Symbol is not null) return;
        ExpressionSyntax left = wiring.Left.WithoutParentheses(), right = wiring.Right.WithoutParentheses();
        string to = StageText.Short(right);
        if (Item(left, "ConsecutorOutput") is { } item)
            Report(IsSeveral(right) ? Several : One, StageText.Short(left), IsSeveral(right) ? item : to);
        else if (left is CollectionExpressionSyntax { Elements.Count: > 0 } outputs && outputs.Elements[0] is ExpressionElementSyntax first
            && Item(first.Expression, "ConsecutorOutput") is not null)
            Report(Merged, string.Join(", ", outputs.Elements.Select(StageText.Short)), to);
        else if (Item(left, "Consecutor") is { } accepted)
            Report(Consecutors, StageText.Short(left), IsSeveral(right) ? "…" : to, accepted);

        bool IsSeveral(ExpressionSyntax written) => written is CollectionExpressionSyntax
            || model.GetTypeInfo(written, context.CancellationToken).Type is { } type && SluiceSymbols.IsSequence(type);

        string? Item(ExpressionSyntax written, string name)
            => model.GetTypeInfo(written, context.CancellationToken).Type is INamedTypeSymbol { Arity: 1 } type && type.Name == name
            && symbols.IsOurs(type)
            ? type.TypeArguments[0].ToMinimalDisplayString(model, written.SpanStart) : null;

        void Report(DiagnosticDescriptor rule, params object[] words)
            => context.ReportDiagnostic(Diagnostic.Create(rule, wiring.GetLocation(), words));
    }
}
