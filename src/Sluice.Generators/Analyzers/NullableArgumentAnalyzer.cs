namespace Sluice.Generators;

/// <summary>SLU030: the future of a value for a step made by <c>Step.Of</c> that takes <c>int?</c>.</summary>
/// <remarks>C# has no conversion that could be written for all structures at once; the compiler only says CS1503. Only calls that do not
/// compile are looked at: to bind every call of a project costs more than all other rules.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NullableArgumentAnalyzer() : OperationAnalyzer(Rules.NullableArgument, OperationKind.Invalid)
{
    private protected override void Check(OperationAnalysisContext context, SluiceSymbols symbols)
    {
        if (context.Operation.Syntax is not InvocationExpressionSyntax call || context.Operation.SemanticModel is not { } model) return;
        if (model.GetTypeInfo(call.Expression, context.CancellationToken)
            .Type is not INamedTypeSymbol { Name: "Step" or "StepAction", DelegateInvokeMethod: { } step } type || !symbols.IsOurs(type))
            return;
        var arguments = call.ArgumentList.Arguments;
        for (int i = 0; i < Math.Min(arguments.Count, step.Parameters.Length); i++)
        {
            var parameter = arguments[i].NameColon?.Name.Identifier.Text is { } name
                ? step.Parameters.FirstOrDefault(one => one.Name == name) : step.Parameters[i];
            if (parameter?.Type is not INamedTypeSymbol { Arity: 1 } taken
                || taken.TypeArguments[0] is not INamedTypeSymbol nullable
                || nullable.OriginalDefinition.SpecialType != SpecialType.System_Nullable_T) continue;
            var written = arguments[i].Expression.WithoutParentheses();
            if (model.GetTypeInfo(written, context.CancellationToken).Type is not INamedTypeSymbol { Arity: 1 } given
                || !SluiceSymbols.Same(given.TypeArguments[0], nullable.TypeArguments[0])) continue;
            bool isFuture = given.Name == "Future" && symbols.IsOurs(given);
            if (!isFuture && !symbols.IsTask(given)) continue;
            string text = StageText.Short(written), value = nullable.TypeArguments[0].ToMinimalDisplayString(model, written.SpanStart);
            context.ReportDiagnostic(Violation(written, isFuture
                ? $"The step takes '{value}?', and '{text}' is the future of '{value}': write '{text}.As<{value}?>()'"
                : $"The step takes '{value}?', and '{text}' is a task of '{value}': write '((Future<{value}>){text}).As<{value}?>()'"));
        }
    }
}
