namespace Sluice.Generators;

/// <summary>SLU030: the future of a value for a step made by <c>Step.Of</c> that takes <c>int?</c>.</summary>
/// <remarks>C# has no conversion that could be written for all structures at once; the compiler only says CS1503.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NullableArgumentAnalyzer() : SyntaxAnalyzer<InvocationExpressionSyntax>([SyntaxKind.InvocationExpression], Future, Task)
{
    private const string Title = "The future of a value where a step takes one that may be null";

    private static readonly DiagnosticDescriptor Future = Rules.Error("SLU030", Title,
        "The step takes '{1}?', and '{0}' is the future of '{1}': write '{0}.As<{1}?>()'",
        "A future of int is converted to one of int? by As.");

    private static readonly DiagnosticDescriptor Task = Rules.Error("SLU030", Title,
        "The step takes '{1}?', and '{0}' is a task of '{1}': write '((Future<{1}>){0}).As<{1}?>()'",
        "A task of int is converted to a future of int? by As.");

    private protected override void Check(InvocationExpressionSyntax call, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var model = context.SemanticModel;
        if (model.GetTypeInfo(call.Expression, context.CancellationToken)
            .Type is not INamedTypeSymbol { Name: "Step" or "StepAction", DelegateInvokeMethod: { } step } type || !symbols.IsOurs(type))
            return;
        var arguments = call.ArgumentList.Arguments;
        for (int i = 0; i < Math.Min(arguments.Count, step.Parameters.Length); i++)
        {
            if (step.Parameters[i].Type is not INamedTypeSymbol { Arity: 1 } taken
                || taken.TypeArguments[0] is not INamedTypeSymbol nullable
                || nullable.OriginalDefinition.SpecialType != SpecialType.System_Nullable_T) continue;
            var written = arguments[i].Expression.WithoutParentheses();
            if (model.GetTypeInfo(written, context.CancellationToken).Type is not INamedTypeSymbol { Arity: 1 } given
                || !SluiceSymbols.Same(given.TypeArguments[0], nullable.TypeArguments[0])) continue;
            bool isFuture = given.Name == "Future" && symbols.IsOurs(given);
            if (!isFuture && !symbols.IsTask(given)) continue;
            context.ReportDiagnostic(Diagnostic.Create(isFuture ? Future : Task, written.GetLocation(), StageText.Short(written),
                nullable.TypeArguments[0].ToMinimalDisplayString(model, written.SpanStart)));
        }
    }
}
