namespace Sluice.Generators;

/// <summary>
/// SLU029: an operand of a data flow that is no function: <c>flow | 42</c>, <c>flow | (n => n + 1)</c>, an overloaded method. The compiler
/// only says that the operator cannot be applied.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FlowMisfitAnalyzer() : SyntaxAnalyzer<ExpressionSyntax>(
    Rules.FlowMisfit, SyntaxKind.BitwiseOrExpression, SyntaxKind.InvocationExpression)
{
    private protected override void Check(ExpressionSyntax written, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        if (written is InvocationExpressionSyntax call) CheckCall(call, context, symbols);
        else CheckStage((BinaryExpressionSyntax)written, context, symbols);
    }

    private void CheckStage(BinaryExpressionSyntax stage, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        if (context.SemanticModel.GetTypeInfo(stage.Left, context.CancellationToken).Type is not { } flow || !IsFlow(flow, symbols)) return;
        if (context.SemanticModel.GetSymbolInfo(stage, context.CancellationToken).Symbol is not null) return;
        var right = stage.Right.WithoutParentheses();
        if (right is TupleExpressionSyntax { Arguments: { Count: > 6 } many })
            context.ReportDiagnostic(Violation(right,
                $"Parentheses take six functions at most: write brackets, '[{StageText.Short(many[0])}, …]'"));
        else foreach (var member in Members(right)) CheckMember(context, member, symbols);
    }

    /// <summary>Checks <c>DataFlow.From(F, G)</c> and <c>DataFlow.Function(F)</c>.</summary>
    private void CheckCall(InvocationExpressionSyntax call, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        if (call.Expression is not MemberAccessExpressionSyntax { Name.Identifier.Text: "From" or "Function" } access) return;
        if (context.SemanticModel.GetSymbolInfo(access.Expression, context.CancellationToken).Symbol is not INamedTypeSymbol type
            || !IsFlow(type, symbols)) return;
        if (context.SemanticModel.GetSymbolInfo(call, context.CancellationToken).Symbol is not null) return;
        foreach (var argument in call.ArgumentList.Arguments) CheckMember(context, argument.Expression, symbols);
    }

    private static IEnumerable<ExpressionSyntax> Members(ExpressionSyntax written) => written switch
    {
        TupleExpressionSyntax tuple => tuple.Arguments.Select(argument => argument.Expression),
        CollectionExpressionSyntax brackets => brackets.Elements.OfType<ExpressionElementSyntax>().Select(element => element.Expression),
        _ => [written],
    };

    private void CheckMember(SyntaxNodeAnalysisContext context, ExpressionSyntax member, SluiceSymbols symbols)
    {
        var model = context.SemanticModel;
        var written = member.WithoutParentheses();
        string text = StageText.Short(written);
        if (written.IsKind(SyntaxKind.NullLiteralExpression)) Report("null is no function");
        else if (model.MethodGroup(written) is { Length: > 0 } group) CheckGroup(group);
        else if (written is LambdaExpressionSyntax lambda)
        {
            var parameters = (lambda as ParenthesizedLambdaExpressionSyntax)?.ParameterList.Parameters.ToArray()
                ?? [((SimpleLambdaExpressionSyntax)lambda).Parameter];
            if (parameters.Any(parameter => parameter.Type is null))
                Report("Values are bound to parameters by their names and types, and this lambda states no types: write "
                    + $"'DataFlow.Function(({string.Join(", ", parameters.Select(parameter =>
                        $"{parameter.Type?.ToString() ?? "int"} {parameter.Identifier.Text}"))}) => …).Named(\"…\")'");
        }
        else if (model.GetTypeInfo(written).Type is { TypeKind: not (TypeKind.Error or TypeKind.Delegate) } type && !IsFlow(type, symbols)
            && type.Name is not ("DataFlowFunction" or "Delegate" or "MulticastDelegate"))
        {
            string shown = type.SpecialType == SpecialType.System_Void ? "void" : type.ToMinimalDisplayString(model, written.SpanStart);
            Report(written is InvocationExpressionSyntax call
                ? $"'{text}' is a call, and its result '{shown}' is no function: give the function itself, "
                    + $"'{StageText.Short(call.Expression)}'"
                : $"'{text}' is of type '{shown}', and a stage is made of functions and of data flows");
        }

        void CheckGroup(IMethodSymbol[] methods)
        {
            if (methods.Length == 1 && methods[0] is { IsGenericMethod: true } generic
                && generic.TypeArguments.Any(argument => argument.TypeKind == TypeKind.TypeParameter))
                Report($"'{text}' is generic, and C# cannot see its types: write '{text}<"
                    + $"{string.Join(", ", generic.TypeArguments.Select(argument => argument.Name))}>'");
            if (methods.Length == 1) return;
            var shown = methods.OrderBy(method => method.Parameters.Length == 1 ? 0 : 1).First().Parameters;
            string parameters = string.Join(", ", shown.Select(parameter =>
                $"{parameter.Type.ToMinimalDisplayString(model, written.SpanStart)} {parameter.Name}"));
            Report($"'{text}' has several overloads, and C# cannot see which one is meant: write it as a lambda with typed parameters, "
                + $"'DataFlow.Function(({parameters}) => {text}({string.Join(", ", shown.Select(parameter => parameter.Name))}))"
                + ".Named(\"…\")'");
        }

        void Report(string message) => context.ReportDiagnostic(Violation(written, message));
    }

    private static bool IsFlow(ITypeSymbol type, SluiceSymbols symbols) => type.Name == "DataFlow" && symbols.IsOurs(type);
}
