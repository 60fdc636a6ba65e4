namespace Sluice.Generators;

/// <summary>
/// SLU020: a chain that does not begin with a source: <c>list | Twice</c>, <c>Twice | Print</c>, <c>[a, b] | Print</c>. The compiler only
/// says that the operator cannot be applied.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NoSourceAnalyzer() : SyntaxAnalyzer<BinaryExpressionSyntax>(Rules.NoSource, SyntaxKind.BitwiseOrExpression)
{
    private protected override void Check(BinaryExpressionSyntax stage, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var model = context.SemanticModel;
        if (model.GetSymbolInfo(stage, context.CancellationToken).Symbol is not null
            || !IsStage(stage.Right.WithoutParentheses(), model, symbols)) return;

        var left = stage.Left.WithoutParentheses();
        var type = model.GetTypeInfo(left, context.CancellationToken).Type;
        string text = StageText.Short(left);
        if (left is AwaitExpressionSyntax { Expression: var awaited } && symbols.ItemOf(model.GetTypeInfo(awaited).Type) is not null)
            Report($"'await' takes '{StageText.Short(awaited)}' before '|' does: put the chain in parentheses, "
                + $"'await ({StageText.Short(awaited)} | …).RunAsync()'");
        else if (MergeOf(left, type, model, symbols) is { } merged)
            Report($"'{text}' has no type of its own behind which '|' could stand: write '{merged} | …', which merges what comes out");
        else if (left is CollectionExpressionSyntax brackets)
        {
            // SLU031
            if (!brackets.Elements.OfType<ExpressionElementSyntax>()
                .Any(element => model.GetTypeInfo(element.Expression).Type?.Name == "ConsecutorOutput"))
                Report("Brackets at the beginning have no items: put the source of the branches before them ('source | "
                    + $"{text} | …'); sources are merged by 'Source.Merge(a, b) | …'");
        }
        else if (type is not null && SluiceSymbols.IsSequence(type))
            Report($"'{text}' is no source: write 'Source.From({text}) | …'");
        else if (model.MethodGroup(left) is { Length: 1 } group && group[0] is { Parameters.IsEmpty: false } function)
            Report($"'{text}' is a function, and a chain begins with a source ('source | {text} | …') or with a pipe ('Pipe.Of<"
                + $"{function.Parameters[0].Type.ToMinimalDisplayString(model, left.SpanStart)}>() | {text} | …')");

        void Report(string message) => context.ReportDiagnostic(Violation(left, message));
    }

    /// <summary>The text of the fan-in in <c>[p, q] | F</c>, <c>(p, q) | F</c> and <c>pipes | F</c>; null for anything else.</summary>
    private static string? MergeOf(ExpressionSyntax left, ITypeSymbol? type, SemanticModel model, SluiceSymbols symbols)
    {
        var (written, first) = left switch
        {
            CollectionExpressionSyntax { Elements.Count: > 0 } brackets
                => (string.Join(", ", brackets.Elements.Select(StageText.Short)),
                (brackets.Elements[0] as ExpressionElementSyntax)?.Expression),
            TupleExpressionSyntax tuple => (string.Join(", ", tuple.Arguments.Select(StageText.Short)), tuple.Arguments[0].Expression),
            _ => (StageText.Short(left), null),
        };
        type = first is not null ? model.GetTypeInfo(first).Type : type is IArrayTypeSymbol array ? array.ElementType
            : (type as INamedTypeSymbol)?.TypeArguments.FirstOrDefault();
        return type is null || symbols.ItemOf(type) is null || symbols.ItemOf(model.GetTypeInfo(left).Type) is not null ? null
            : $"{(symbols.IsPipe(type) ? "Pipe" : "Source")}.Merge({written})";
    }

    private static bool IsStage(ExpressionSyntax right, SemanticModel model, SluiceSymbols symbols) =>
        right is LambdaExpressionSyntax || model.MethodGroup(right).Length > 0
        || (model.GetTypeInfo(right).Type is { } type && symbols.IsOurs(type));
}
