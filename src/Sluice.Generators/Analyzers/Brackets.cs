namespace Sluice.Generators;

/// <summary>Finds the first element that does not fit in brackets that do not compile, and says why.</summary>
/// <param name="parts">The elements.</param>
/// <param name="item">The type of the items.</param>
/// <param name="type">That type, as it is written in this place.</param>
/// <param name="before">The stage before the brackets.</param>
/// <param name="isAngle">Whether the brackets stand behind <c>&lt;</c>.</param>
/// <param name="model">The semantic model.</param>
/// <param name="symbols">The types of Sluice.</param>
internal sealed class Brackets(List<BracketPart> parts, ITypeSymbol item, string type, string before, bool isAngle, SemanticModel model,
    SluiceSymbols symbols)
{
    public (BracketPart? Part, DiagnosticDescriptor? Rule, object[] Words) Misfit()
    {
        if (parts.Count == 0) return (null, BracketMisfitAnalyzer.Empty, []);
        if (parts.Find(part => part.Kind == PartKind.Brackets) is { } nested)
            return (nested, BracketMisfitAnalyzer.Nested, [$"Source<{type}>", nested.Text, type]);
        foreach (BracketPart part in parts)
        {
            if (part.Kind == PartKind.Source) return (part, BracketMisfitAnalyzer.Source, [part.Text]);
            if (part.Kind == PartKind.Node) return (part, BracketMisfitAnalyzer.Node, [part.Text]);
            if (part.Kind == PartKind.Router && OfRouter(part) is { Rule: not null } wrong) return wrong;
            if (part.Kind == PartKind.Form) return (part, BracketMisfitAnalyzer.NoPipe, [part.AsPipe(type)]);
            if (part.Kind == PartKind.Other && OfOther(part) is { Rule: not null } other) return other;
        }
        if (parts.Where(part => part.Kind == PartKind.Router).Skip(1).FirstOrDefault() is { } second)
            return (second, BracketMisfitAnalyzer.SeveralRouters, []);
        foreach (BracketPart part in parts)
        {
            if (part.Takes() is { } taken && part.Kind != PartKind.Consecutor && !Fits(taken, part))
                return (part, BracketMisfitAnalyzer.Takes, [part.Text, Written(taken), before, type]);
        }
        BracketPart? pipe = parts.Find(part => part.Kind == PartKind.Pipe);
        return pipe is not null ? AmongPipes(pipe) : AmongEnds();
    }

    private (BracketPart? Part, DiagnosticDescriptor? Rule, object[] Words) AmongPipes(BracketPart pipe)
    {
        ITypeSymbol output = pipe.PutsOut(symbols)!;
        foreach (BracketPart part in parts)
        {
            if (part.IsEnd(symbols)) return (part, BracketMisfitAnalyzer.EndAmongBranches, [part.Text, pipe.Text, Written(output)]);
            if (part.Kind == PartKind.Lambda) return (part, BracketMisfitAnalyzer.NoPipe, [part.AsPipe(type)]);
            if (part.Kind == PartKind.Methods)
            {
                bool mayChoose = part.PutsOut(symbols) is { SpecialType: SpecialType.System_String or SpecialType.System_Int32 }
                    && !parts.Exists(other => other.Kind == PartKind.Router);
                return mayChoose ? (part, BracketMisfitAnalyzer.NoPipeOrRouter, [part.AsPipe(type), part.Text])
                    : (part, BracketMisfitAnalyzer.NoPipe, [part.AsPipe(type)]);
            }
            if (part.Kind == PartKind.Pipe && part.PutsOut(symbols) is { } made && !SluiceSymbols.Same(made, output))
                return (part, BracketMisfitAnalyzer.Outputs, [pipe.Text, Written(output), part.Text, Written(made)]);
        }
        return default;
    }

    private (BracketPart? Part, DiagnosticDescriptor? Rule, object[] Words) AmongEnds()
    {
        bool hasRouter = parts.Exists(part => part.Kind == PartKind.Router);
        foreach (BracketPart part in parts)
        {
            if (part.Kind == PartKind.Consecutor) return (part, BracketMisfitAnalyzer.Consecutor, [part.Text, $"Source<{type}>"]);
            if (isAngle && part.IsEnd(symbols)) return (part, BracketMisfitAnalyzer.Ends, [part.Text]);
            if (part.PutsOut(symbols) is not { } output) continue;
            if (parts.Find(other => other.IsEnd(symbols)) is { } end)
                return (end, BracketMisfitAnalyzer.EndAmongBranches, [end.Text, part.Text, Written(output)]);
            if (part.Kind == PartKind.Methods && hasRouter) return (part, BracketMisfitAnalyzer.NoPipe, [part.AsPipe(type)]);
            if (part.Kind == PartKind.Methods) return (part, BracketMisfitAnalyzer.Map, [part.Text, Written(output), part.AsPipe(type)]);
        }
        foreach (BracketPart part in parts)
        {
            if (part.Kind == PartKind.Lambda && part.Written is LambdaExpressionSyntax lambda
                && lambda.Parameter() is { Type: null } parameter)
                return hasRouter && IsBranch(lambda)
                    ? (part, BracketMisfitAnalyzer.BesideRouter, [part.AsPipe(type), $"Source<{type}>"])
                    : (part, BracketMisfitAnalyzer.Lambda, [parameter.Identifier.Text, IsBranch(lambda) ? $"Source<{type}>" : type]);
            if (part.Kind == PartKind.Methods && (part.Methods.Length > 1
                || (part.Methods[0].IsGenericMethod && part.Written.DescendantNodesAndSelf().Last() is IdentifierNameSyntax)))
                return (part, BracketMisfitAnalyzer.Overloaded, [part.Text, type]);
        }
        return default;
    }

    private (BracketPart? Part, DiagnosticDescriptor? Rule, object[] Words) OfOther(BracketPart part)
    {
        if (UntypedRouter(part) is { } written) return (part, BracketMisfitAnalyzer.RouterLambda, [written]);
        if (part.Written is TupleExpressionSyntax { Arguments.Count: 2 }) return (part, BracketMisfitAnalyzer.Named, [part.Text]);
        ITypeSymbol? known = model.GetTypeInfo(part.Written).Type;
        return known is null or { TypeKind: TypeKind.Error or TypeKind.Delegate } || known.Locations.Any(place => place.IsInSource)
            || part.Written.IsKind(SyntaxKind.NullLiteralExpression) ? default
            : (part, BracketMisfitAnalyzer.NoBranch, [part.Text, Written(known)]);
    }

    private (BracketPart? Part, DiagnosticDescriptor? Rule, object[] Words) OfRouter(BracketPart router)
    {
        if (router.Type!.TypeArguments[0] is not INamedTypeSymbol { DelegateInvokeMethod: { } function } delegated) return default;
        if (delegated.Name != "Func" || function.Parameters.Length != 1
            || function.ReturnType.SpecialType is not (SpecialType.System_String or SpecialType.System_Int32))
            return (router, BracketMisfitAnalyzer.RouterReturns, [router.Text]);
        return SluiceSymbols.Same(function.Parameters[0].Type, item) ? default
            : (router, BracketMisfitAnalyzer.RouterTakes, [router.Text, Written(function.Parameters[0].Type), before, type]);
    }

    /// <summary>
    /// The text of a <c>Route.By</c> that needs a parameter type, with the type added: <c>Route.By((int n) => …)</c>; null for anything
    /// else.
    /// </summary>
    private string? UntypedRouter(BracketPart part)
    {
        if (part.Written is not InvocationExpressionSyntax
            {
                ArgumentList.Arguments: { Count: 1 } arguments,
                Expression: MemberAccessExpressionSyntax { Name.Identifier.Text: "By" } method
            }) return null;
        var argument = arguments[0];
        if (model.GetTypeInfo(method.Expression).Type is not { Name: "Route" } route || !symbols.IsOurs(route)) return null;
        if (argument.Expression is LambdaExpressionSyntax lambda && lambda.Parameter() is { Type: null } parameter)
            return $"{method}(({type} {parameter.Identifier.Text}) => …)";
        return model.MethodGroup(argument.Expression).Length > 1 ? $"{method}(({type} item) => {argument.Expression}(item))" : null;
    }

    /// <summary>Whether the body of the lambda continues with stages: its parameter is then the source, not an item.</summary>
    private static bool IsBranch(LambdaExpressionSyntax lambda) =>
        lambda.ExpressionBody?.WithoutParentheses() is BinaryExpressionSyntax { RawKind: (int)SyntaxKind.BitwiseOrExpression };

    /// <summary>
    /// Whether a part takes the items. A function may take a base type of theirs, unless that boxes them; a pipe or sink must take exactly
    /// their type.
    /// </summary>
    private bool Fits(ITypeSymbol taken, BracketPart part) => SluiceSymbols.Same(taken, item)
        || (part.Kind == PartKind.Methods && model.Compilation.ClassifyConversion(item, taken) is { IsReference: true, IsImplicit: true })
        || (part.Method is { IsGenericMethod: true });

    private string Written(ITypeSymbol symbol) => symbol.ToMinimalDisplayString(model, parts[0].Written.SpanStart);
}
