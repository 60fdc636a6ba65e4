namespace Sluice.Generators;

/// <summary>
/// SLU003: a map that may return null. The compiler infers a nullable item type from <c>x => list.Find(x)</c> without a warning, and the
/// null travels on as an item.
/// </summary>
/// <remarks>Not reported if the code says that null is meant, or if the next stage handles it.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NullItemAnalyzer() : OperationAnalyzer(Rules.NullItem, OperationKind.Binary, OperationKind.Invocation)
{
    private protected override void Check(OperationAnalysisContext context, SluiceSymbols symbols)
    {
        if (StageCall.From(context.Operation, symbols) is not { } stage || context.Operation.SemanticModel is not { } model) return;
        if (symbols.ItemOf(stage.Method.ReturnType) is not { IsReferenceType: true } item) return;
        var nulls = new NullFlow(model, symbols);
        foreach (var (_, value) in stage.Maps(symbols))
        {
            var found = StageCall.Written(value) switch
            {
                IMethodReferenceOperation group when nulls.IsAnnotated(group.Method.ReturnType) => [group.Syntax],
                IAnonymousFunctionOperation lambda => FunctionBody.Results(lambda).SelectMany(nulls.NullsIn).ToArray(),
                _ => [],
            };
            if (found.Length == 0 || NullConsent.IsWritten(stage, value, model)) continue;
            if (NullConsent.IsExpectedBehind(stage, symbols, model)) continue;
            var name = item.WithNullableAnnotation(NullableAnnotation.NotAnnotated)
                .ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);
            foreach (var syntax in found)
                context.ReportDiagnostic(Violation(syntax,
                    $"This map may return null ('{syntax}'), and null would travel on as an item; to leave the item out return an empty "
                        + $"sequence or use 'Where', and if null is meant write its type: '{name}? (x) => …'"));
        }
    }
}
