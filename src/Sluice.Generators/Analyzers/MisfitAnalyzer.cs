namespace Sluice.Generators;

/// <summary>
/// SLU001 at the stage that does not fit. The compiler reports it at the beginning of the chain, and names neither the stage nor the types.
/// </summary>
/// <remarks>It reports only the first misfit of a chain, because everything behind that is a guess.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class MisfitAnalyzer() : SyntaxAnalyzer<BinaryExpressionSyntax>(
    [SyntaxKind.BitwiseOrExpression, SyntaxKind.GreaterThanExpression, SyntaxKind.LessThanExpression], Function, Boxed, Overloads, Piece,
        Null, End, Behind, Router)
{
    private const string Id = "SLU001";

    private static readonly RuleFamily Family = new("No stage fits here",
        "A stage takes items of the type that the stage before it puts out.");

    private static readonly DiagnosticDescriptor Function = Family.Error(Id, "'{0}' takes {1}, and '{2}' puts out '{3}'");

    private static readonly DiagnosticDescriptor Boxed = Family.Error(Id,
        "'{0}' has no overload that takes '{1}': a method cannot take a structure as 'object' here, so write '({1} item) => {0}(item)'");

    private static readonly DiagnosticDescriptor Overloads = Family.Error(Id,
        "None of the overloads of '{0}' takes what '{1}' puts out, '{2}'");

    private static readonly DiagnosticDescriptor Piece = Family.Error(Id, "'{0}' is of type '{1}', and '{2}' puts out '{3}'");

    private static readonly DiagnosticDescriptor Null = Family.Error(Id, "null is no stage");

    private static readonly DiagnosticDescriptor End = Family.Error(Id,
        "'{0}' gets no items, because '{1}' is an end: nothing comes out of it");

    private static readonly DiagnosticDescriptor Behind = Family.Error(Id,
        "Behind '>' stands one function, pipe or sink: put what is before it in parentheses, and go on with '|': '({0}) | {1}'");

    private static readonly DiagnosticDescriptor Router = Family.Error(Id,
        "'{0}' is a router, and stands in brackets beside the branches among which it chooses: '[even, odd, {0}]'");

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

        string before = StageText.LastStage(stage.Left, model);
        if (symbols.ItemOf(left) is not { } item)
        {
            if (isRefused && left?.Name is "Pipeline" or "Sink") Report(End, StageText.Short(right), before);
            return;
        }

        // of a call that does not compile itself
        if (item is ITypeParameterSymbol { DeclaringMethod: { } unknown } && symbols.IsOurs(unknown)) return;
        string type = item.ToMinimalDisplayString(model, right.SpanStart);
        if (right.IsKind(SyntaxKind.NullLiteralExpression)) Report(Null);
        else if (isRefused && model.GetTypeInfo(right, context.CancellationToken).Type is INamedTypeSymbol { Name: "Router" } router
            && symbols.IsOurs(router)) Report(Router, StageText.Short(right));
        else if (isBracket && isRefused && (right is CollectionExpressionSyntax
            || IsOfOthers(model.GetTypeInfo(right, context.CancellationToken).Type)))
            Report(Behind, StageText.Short(stage.Left), StageText.Short(right));
        else if (model.MethodGroup(right) is { Length: > 0 } group) CheckGroup(group);
        else if (!isRefused || right is CollectionExpressionSyntax) return;
        else if (right is LambdaExpressionSyntax lambda) CheckLambda(lambda);
        else if (model.GetTypeInfo(right, context.CancellationToken).Type is { TypeKind: not TypeKind.Error } piece)
            Report(Piece, StageText.Short(right), piece.ToMinimalDisplayString(model, right.SpanStart), before, type);

        void CheckGroup(IMethodSymbol[] methods)
        {
            if (isRefused && methods.Length == 1) Report(Function, StageText.Short(right),
                StageText.Takes(methods[0], model, right.SpanStart), before, type);
            else if (isRefused || chosen is null) Report(Overloads, StageText.Short(right), before, type);
            else if (item.IsValueType && model.GetSymbolInfo(right, context.CancellationToken)
                .Symbol is IMethodSymbol { Parameters.IsEmpty: false } method && method.Parameters[0].Type.IsReferenceType)
                Report(Boxed, StageText.Short(right), type);
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
            Report(Function, StageText.Short(lambda), isTyped ? StageText.Takes(function, model, right.SpanStart)
                : $"{function.Parameters.Length} parameters", before, type);
        }

        void Report(DiagnosticDescriptor rule, params object[] words)
            => context.ReportDiagnostic(Diagnostic.Create(rule, right.GetLocation(), words));
    }

    private static bool IsBehindAMisfit(ExpressionSyntax chain, SemanticModel model, SluiceSymbols symbols)
    {
        for (chain = chain.WithoutParentheses(); chain is BinaryExpressionSyntax stage; chain = stage.Left.WithoutParentheses())
        {
            if (symbols.IsRefusal(model.GetSymbolInfo(stage).Symbol)) return true;
            if (stage.Right.WithoutParentheses() is CollectionExpressionSyntax
                && BracketMisfitAnalyzer.Misfit(stage, model, symbols).Rule is not null) return true;
        }
        return false;
    }
}
