namespace Sluice.Generators;

/// <summary>
/// SLU001 at the stage that does not fit. The compiler reports it at the beginning of the chain, and names neither the stage nor the types.
/// </summary>
/// <remarks>It reports only the first misfit of a chain, because everything behind that is a guess.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class MisfitAnalyzer() : SyntaxAnalyzer<BinaryExpressionSyntax>(
    Rules.Misfit, SyntaxKind.BitwiseOrExpression, SyntaxKind.GreaterThanExpression, SyntaxKind.LessThanExpression)
{
    private protected override void Check(BinaryExpressionSyntax stage, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var model = context.SemanticModel;
        var right = stage.Right.WithoutParentheses();
        var left = model.GetTypeInfo(stage.Left, context.CancellationToken).Type;
        var chosen = model.GetSymbolInfo(stage, context.CancellationToken).Symbol;
        bool isBracket = !stage.IsKind(SyntaxKind.BitwiseOrExpression);
        bool isRefused = isBracket ? chosen is null : symbols.IsRefusal(chosen);
        if (stage.IsKind(SyntaxKind.LessThanExpression) && right is CollectionExpressionSyntax) return;      // SLU008
        if (IsBehindAMisfit(stage.Left, model, symbols)) return;

        string text = StageText.Short(right), before = StageText.LastStage(stage.Left, model);
        if (symbols.ItemOf(left) is not { } item)
        {
            if (isRefused && left?.Name is "Pipeline" or "Sink")
                Report($"'{text}' gets no items, because '{before}' is an end: nothing comes out of it");
            return;
        }

        // of a call that does not compile itself
        if (item is ITypeParameterSymbol { DeclaringMethod: { } unknown } && symbols.IsOurs(unknown)) return;
        string type = item.ToMinimalDisplayString(model, right.SpanStart);
        if (right.IsKind(SyntaxKind.NullLiteralExpression)) Report("null is no stage");
        else if (isRefused && model.GetTypeInfo(right, context.CancellationToken).Type is INamedTypeSymbol { Name: "Router" } router
            && symbols.IsOurs(router))
            Report($"'{text}' is a router, and stands in brackets beside the branches among which it chooses: '[even, odd, {text}]'");
        else if (isBracket && isRefused && (right is CollectionExpressionSyntax
            || IsOfOthers(model.GetTypeInfo(right, context.CancellationToken).Type)))
            Report("Behind '>' stands one function, pipe or sink: put what is before it in parentheses, and go on with '|': "
                + $"'({StageText.Short(stage.Left)}) | {text}'");
        else if (model.MethodGroup(right) is { Length: > 0 } group) CheckGroup(group);
        else if (!isRefused || right is CollectionExpressionSyntax) return;
        else if (right is LambdaExpressionSyntax lambda) CheckLambda(lambda);
        else if (model.GetTypeInfo(right, context.CancellationToken).Type is { TypeKind: not TypeKind.Error } piece)
            Report(piece is INamedTypeSymbol { Name: "Step", TypeArguments.Length: 2 } step && symbols.IsOurs(step)
                    && SymbolEqualityComparer.Default.Equals(step.TypeArguments[0], item)
                ? $"'{text}' is a step of task graphs, and a stage is a function: call it, 'async ({type} item) => await {text}(item)'"
                : $"'{text}' is of type '{piece.ToMinimalDisplayString(model, right.SpanStart)}', and '{before}' puts out '{type}'");

        void CheckGroup(IMethodSymbol[] methods)
        {
            if (isRefused && methods.Length == 1) ReportFunction(StageText.Takes(methods[0], model, right.SpanStart));
            else if (isRefused || chosen is null)
                Report($"None of the overloads of '{text}' takes what '{before}' puts out, '{type}'");
            else if (Converting(right, item, model) is { } converting)
                ReportFunction(StageText.Takes(converting, model, right.SpanStart));
            else if (item.IsValueType && model.GetSymbolInfo(right, context.CancellationToken)
                .Symbol is IMethodSymbol { Parameters.IsEmpty: false } method && method.Parameters[0].Type.IsReferenceType)
                Report($"'{text}' has no overload that takes '{type}': a method cannot take a structure as 'object' here, so write '"
                    + $"({type} item) => {text}(item)'");
        }

        // Takes '|' but not '>': consecutors, graphs, annotations.
        bool IsOfOthers(ITypeSymbol? type) => type is INamedTypeSymbol && symbols.IsOurs(type)
            && type.Name is not ("Pipe" or "Sink" or "Source" or "Pipeline");

        // SLU007 handles lambdas whose parameter has no type.
        void CheckLambda(LambdaExpressionSyntax lambda)
        {
            if (lambda.Parameter() is { Type: null }) return;
            if (model.GetSymbolInfo(lambda, context.CancellationToken).Symbol is not IMethodSymbol function) return;
            bool isTyped = lambda is ParenthesizedLambdaExpressionSyntax { ParameterList.Parameters: var parameters }
                && parameters.All(parameter => parameter.Type is not null);
            ReportFunction(isTyped ? StageText.Takes(function, model, right.SpanStart) : $"{function.Parameters.Length} parameters");
        }

        void ReportFunction(string taken) => Report($"'{text}' takes {taken}, and '{before}' puts out '{type}'");

        void Report(string message) => context.ReportDiagnostic(Violation(right, message));
    }

    // The compiler chooses Math.Sqrt(double) for ints, as for a call, and then finds that a delegate does not convert an int to a double.
    private static IMethodSymbol? Converting(ExpressionSyntax group, ITypeSymbol item, SemanticModel model)
        => model.GetSymbolInfo(group).Symbol is IMethodSymbol { Parameters.Length: 1 } method
            && model.Compilation.ClassifyConversion(item, method.Parameters[0].Type) is
            { IsImplicit: true, IsIdentity: false, IsReference: false, IsBoxing: false } ? method : null;

    private static bool IsBehindAMisfit(ExpressionSyntax chain, SemanticModel model, SluiceSymbols symbols)
    {
        for (chain = chain.WithoutParentheses(); chain is BinaryExpressionSyntax stage; chain = stage.Left.WithoutParentheses())
        {
            if (symbols.IsRefusal(model.GetSymbolInfo(stage).Symbol)) return true;
            var right = stage.Right.WithoutParentheses();
            if (model.MethodGroup(right) is { Length: > 0 } && symbols.ItemOf(model.GetTypeInfo(stage.Left).Type) is { } item
                && Converting(right, item, model) is not null) return true;
            if (stage.Right.WithoutParentheses() is CollectionExpressionSyntax
                && BracketMisfitAnalyzer.Misfit(stage, model, symbols).Message is not null) return true;
        }
        return false;
    }
}
