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
    public (BracketPart? Part, string? Message) Misfit()
    {
        if (parts.Count == 0) return (null, "There is no branch in these brackets, so every item would be lost");
        if (parts.Find(part => part.Kind == PartKind.Brackets) is { } nested)
            return (nested, "Brackets in brackets have no type. Every branch gets every item, so leave the inner ones out; a branch that "
                + $"divides its items again is a pipe, 'Pipe.Of<{type}>() | {nested.Text}', or a lambda, '(Source<{type}> s) => s | "
                + $"{nested.Text}'");
        foreach (BracketPart part in parts)
        {
            if (part.Kind == PartKind.Source)
                return (part, $"'{part.Text}' is a source, and in brackets stand branches: items of another source are added behind the "
                    + $"brackets, '(…).Merge({part.Text})'");
            if (part.Kind == PartKind.Node)
                return (part, "Every run and every lane has a node of its own, so a node in brackets is made by a function: "
                    + $"'StageNode.Of(() => {part.Text})'");
            if (part.Kind == PartKind.Router && OfRouter(part) is { Message: not null } wrong) return wrong;
            if (part.Kind == PartKind.Form) return NoPipe(part);
            if (part.Kind == PartKind.Other && OfOther(part) is { Message: not null } other) return other;
        }
        if (parts.Where(part => part.Kind == PartKind.Router).Skip(1).FirstOrDefault() is { } second)
            return (second, "There are several routers in these brackets, and an item could go to either: put one there, which may call "
                + "several functions");
        foreach (BracketPart part in parts)
        {
            if (part.Takes() is { } taken && part.Kind != PartKind.Consecutor && !Fits(taken, part))
                return (part, $"'{part.Text}' takes '{Written(taken)}', and '{before}' puts out '{type}'");
        }
        BracketPart? pipe = parts.Find(part => part.Kind == PartKind.Pipe);
        return pipe is not null ? AmongPipes(pipe) : AmongEnds();
    }

    private (BracketPart? Part, string? Message) AmongPipes(BracketPart pipe)
    {
        ITypeSymbol output = pipe.PutsOut(symbols)!;
        foreach (BracketPart part in parts)
        {
            if (part.IsEnd(symbols)) return EndAmongBranches(part, pipe, output);
            if (part.Kind == PartKind.Lambda) return NoPipe(part);
            if (part.Kind == PartKind.Methods)
            {
                bool mayChoose = part.PutsOut(symbols) is { SpecialType: SpecialType.System_String or SpecialType.System_Int32 }
                    && !parts.Exists(other => other.Kind == PartKind.Router);
                return !mayChoose ? NoPipe(part)
                    : (part, $"'{part.Text}' stands beside pipes: as a branch it is '{part.AsPipe(type)}', and as the function that chooses "
                        + $"among the branches 'Route.By({part.Text})'");
            }
            if (part.Kind == PartKind.Pipe && part.PutsOut(symbols) is { } made && !SluiceSymbols.Same(made, output))
                return (part, $"'{pipe.Text}' puts out '{Written(output)}', and '{part.Text}' puts out '{Written(made)}': branches "
                    + "put out one type, so let a map at the end of each bring them to one");
        }
        return default;
    }

    private (BracketPart? Part, string? Message) AmongEnds()
    {
        bool hasRouter = parts.Exists(part => part.Kind == PartKind.Router);
        foreach (BracketPart part in parts)
        {
            if (part.Kind == PartKind.Consecutor)
                return (part, $"A consecutor in brackets is written as a branch: '(Source<{type}> s) => s | {part.Text}'");
            if (isAngle && part.IsEnd(symbols))
                return (part, $"'{part.Text}' is an end, and branches between '<' and '>' put something out: ends are written '… | "
                    + $"[{part.Text}, …]'");
            if (part.PutsOut(symbols) is not { } output) continue;
            if (parts.Find(other => other.IsEnd(symbols)) is { } end) return EndAmongBranches(end, part, output);
            if (part.Kind == PartKind.Methods && hasRouter) return NoPipe(part);
            if (part.Kind == PartKind.Methods)
                return (part, $"'{part.Text}' puts out '{Written(output)}', so it is no end: write branches, 's => s | {part.Text}' for "
                    + $"each, or pipes, '{part.AsPipe(type)}'");
        }
        foreach (BracketPart part in parts)
        {
            if (part.Kind == PartKind.Lambda && part.Written is LambdaExpressionSyntax lambda
                && lambda.Parameter() is { Type: null } parameter)
                return hasRouter && IsBranch(lambda)
                    ? (part, $"Beside a router, a branch is a pipe, '{part.AsPipe(type)}', and a lambda that ends says what it takes, "
                        + $"'(Source<{type}> s) => …'")
                    : (part, "The ends in these brackets are of several kinds, so a lambda needs the type of its parameter: write "
                        + $"'({(IsBranch(lambda) ? $"Source<{type}>" : type)} {parameter.Identifier.Text}) => …'");
            if (part.Kind == PartKind.Methods && (part.Methods.Length > 1
                || (part.Methods[0].IsGenericMethod && part.Written.DescendantNodesAndSelf().Last() is IdentifierNameSyntax)))
                return (part, $"The ends in these brackets are of several kinds, and '{part.Text}' is overloaded or generic, so it has no "
                    + $"type of its own: write '({type} item) => {part.Text}(item)'");
        }
        return default;
    }

    private (BracketPart? Part, string? Message) NoPipe(BracketPart part)
        => (part, $"Beside pipes and routers, a branch is a pipe: write '{part.AsPipe(type)}'");

    private (BracketPart? Part, string? Message) EndAmongBranches(BracketPart end, BracketPart branch, ITypeSymbol output)
        => (end, $"'{end.Text}' is an end, and '{branch.Text}' puts out '{Written(output)}': in brackets, either all are ends or none is");

    private (BracketPart? Part, string? Message) OfOther(BracketPart part)
    {
        if (UntypedRouter(part) is { } written)
            return (part, $"C# cannot see which items the router chooses for: write '{written}'");
        if (part.Written is TupleExpressionSyntax { Arguments.Count: 2 })
            return (part, "Branches with names stand behind the function that chooses among them: write 'Route.By(function, "
                + $"{part.Text}, …)' in place of the brackets");
        ITypeSymbol? known = model.GetTypeInfo(part.Written).Type;
        return known is null or { TypeKind: TypeKind.Error or TypeKind.Delegate } || known.Locations.Any(place => place.IsInSource)
            || part.Written.IsKind(SyntaxKind.NullLiteralExpression) ? default
            : (part, $"'{part.Text}' is of type '{Written(known)}', and in brackets stand branches or ends");
    }

    private (BracketPart? Part, string? Message) OfRouter(BracketPart router)
    {
        if (router.Type!.TypeArguments[0] is not INamedTypeSymbol { DelegateInvokeMethod: { } function } delegated) return default;
        if (delegated.Name != "Func" || function.Parameters.Length != 1
            || function.ReturnType.SpecialType is not (SpecialType.System_String or SpecialType.System_Int32))
            return (router, $"'{router.Text}' is no router: its function is a Func that takes an item, and returns the name of a branch "
                + "('string') or its index ('int')");
        return SluiceSymbols.Same(function.Parameters[0].Type, item) ? default
            : (router, $"'{router.Text}' chooses for items of type '{Written(function.Parameters[0].Type)}', and '{before}' puts out "
                + $"'{type}': write 'Route.By(({type} item) => …)'");
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
