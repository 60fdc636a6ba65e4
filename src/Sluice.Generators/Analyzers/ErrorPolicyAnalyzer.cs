namespace Sluice.Generators;

/// <summary>
/// SLU022: an error policy without the name of its type, as in <c>Stage.OnError(DeadLetter)</c>. The compiler takes the name for another
/// type, or does not find it.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ErrorPolicyAnalyzer() : SyntaxAnalyzer<InvocationExpressionSyntax>(Rules.ErrorPolicy, SyntaxKind.InvocationExpression)
{
    private protected override void Check(InvocationExpressionSyntax call, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        if (call is not
            {
                Expression: MemberAccessExpressionSyntax { Name.Identifier.Text: "OnError" },
                ArgumentList.Arguments: { Count: 1 } arguments
            } || arguments[0].Expression is not IdentifierNameSyntax name) return;
        var model = context.SemanticModel;
        if (model.GetSymbolInfo(name, context.CancellationToken).Symbol is IFieldSymbol or ILocalSymbol or IParameterSymbol
            or IPropertySymbol) return;
        var method = model.GetMemberGroup(call.Expression, context.CancellationToken).OfType<IMethodSymbol>()
            .FirstOrDefault(symbols.IsOurs);
        if (method is not { Parameters.Length: 1 } || method.Parameters[0].Type is not INamedTypeSymbol { TypeKind: TypeKind.Enum } policy)
            return;
        if (policy.GetMembers(name.Identifier.Text).OfType<IFieldSymbol>().Any())
            context.ReportDiagnostic(Violation(name,
                $"Write '{policy.Name}.{name.Identifier.Text}': the policy is a value of '{policy.Name}'"));
    }
}
