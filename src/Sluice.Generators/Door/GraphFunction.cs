namespace Sluice.Generators;

/// <summary>The function of a graph's node, as it is written: a method, a lambda, or a delegate.</summary>
/// <remarks>For a lambda that fits no overload, the compiler's symbol may have other parameters than the text.</remarks>
internal sealed class GraphFunction
{
    private static readonly string[] TokenMembers =
        ["IsCancellationRequested", "CanBeCanceled", "WaitHandle", "ThrowIfCancellationRequested", "Register", "UnsafeRegister"];

    private readonly bool isExact;                   // lambdas have the types that they state, methods may take base types

    private GraphFunction(ITypeSymbol?[] types, ITypeSymbol? returned, bool returnsNothing, bool isExact)
        => (Types, Returned, ReturnsNothing, this.isExact) = (types, returned, returnsNothing, isExact);

    /// <summary>The types of its parameters; null where a lambda states none.</summary>
    public ITypeSymbol?[] Types { get; }

    /// <summary>The type that it returns; null if that is not known.</summary>
    public ITypeSymbol? Returned { get; }

    public bool ReturnsNothing { get; }

    /// <summary>Whether a lambda uses its last parameter as something else, although the compiler takes it for the token.</summary>
    public bool MisusesToken { get; private set; }

    public int Count => Types.Length;

    public bool TakesToken => Types.LastOrDefault() is
    {
        Name: "CancellationToken",
        ContainingNamespace: { Name: "Threading", ContainingNamespace.Name: "System" }
    };

    public bool MayTakeToken => Types.Length > 0 && (Types[Types.Length - 1] is null || TakesToken);

    /// <summary>Whether the last parameter is of a lambda that states no type for it.</summary>
    public bool EndsUntyped => Types.Length > 0 && Types[Types.Length - 1] is null;

    /// <summary>All candidates: several for a method with overloads, none if the expression is no function.</summary>
    public static GraphFunction[] Of(ExpressionSyntax written, SemanticModel model)
    {
        written = written.WithoutParentheses();
        if (model.MethodGroup(written) is { Length: > 0 } group) return [.. group.Select(Of)];
        if (written is LambdaExpressionSyntax lambda) return [Of(lambda, model)];
        return model.GetTypeInfo(written).Type is INamedTypeSymbol { DelegateInvokeMethod: { } invoke } ? [Of(invoke)] : [];
    }

    /// <summary>The parameters of a lambda, with parentheses around them or without.</summary>
    public static ParameterSyntax[] Parameters(LambdaExpressionSyntax lambda)
        => lambda is ParenthesizedLambdaExpressionSyntax several ? [.. several.ParameterList.Parameters]
            : [((SimpleLambdaExpressionSyntax)lambda).Parameter];

    /// <summary>Whether a parameter does not take a value of this type.</summary>
    public bool Misfits(int index, ITypeSymbol comes, Compilation compilation)
    {
        if (Types[index] is not { TypeKind: not TypeKind.Error } taken || IsOpen(taken) || comes.TypeKind == TypeKind.Error) return false;
        var conversion = compilation.ClassifyConversion(comes, taken);
        return !(conversion.IsIdentity || (conversion.IsImplicit && conversion.IsReference && !isExact));
    }

    /// <summary>
    /// The parameters for a message: <c>2 parameters ('int', 'string')</c>; only their number if a lambda states no types.
    /// </summary>
    public string Describe(SemanticModel model, int position)
    {
        if (Count == 0) return "nothing";
        string number = Count == 1 ? "1 parameter" : $"{Count} parameters";
        return Types.Any(type => type is null) ? number
            : $"{number} ({string.Join(", ", Types.Select(type => $"'{type!.ToMinimalDisplayString(model, position)}'"))})";
    }

    /// <summary>Whether a type has type parameters: the compiler infers those of a generic method from what comes.</summary>
    private static bool IsOpen(ITypeSymbol type) => type switch
    {
        ITypeParameterSymbol => true,
        IArrayTypeSymbol array => IsOpen(array.ElementType),
        INamedTypeSymbol named => named.TypeArguments.Any(IsOpen) || (named.ContainingType is { } outer && IsOpen(outer)),
        _ => false,
    };

    private static GraphFunction Of(IMethodSymbol method)
        => new([.. method.Parameters.Select(parameter => parameter.Type)], method.ReturnType, method.ReturnsVoid, isExact: false);

    private static GraphFunction Of(LambdaExpressionSyntax lambda, SemanticModel model)
    {
        ParameterSyntax[] parameters = Parameters(lambda);
        bool returnsNothing = lambda.AsyncKeyword.IsKind(SyntaxKind.None) && lambda.Body switch
        {
            ExpressionSyntax expression => model.GetTypeInfo(expression).Type is { SpecialType: SpecialType.System_Void },
            BlockSyntax { Statements: var statements } block
                => statements.LastOrDefault() is not (ThrowStatementSyntax or WhileStatementSyntax or ForStatementSyntax)
                && !block.DescendantNodes(node => node is not (LambdaExpressionSyntax or LocalFunctionStatementSyntax))
                .OfType<ReturnStatementSyntax>().Any(statement => statement.Expression is not null),
            _ => false,
        };
        ITypeSymbol? returned = lambda.Body is ExpressionSyntax body && lambda.AsyncKeyword.IsKind(SyntaxKind.None)
            ? model.GetTypeInfo(body).Type : null;
        return new([.. parameters.Select(parameter => parameter.Type is { } type ? model.GetTypeInfo(type).Type : null)], returned,
            returnsNothing, isExact: true)
        { MisusesToken = parameters.Length > 0 && IsMisused(parameters[parameters.Length - 1], lambda, model) };
    }

    private static bool IsMisused(ParameterSyntax parameter, LambdaExpressionSyntax lambda, SemanticModel model)
        => model.GetDeclaredSymbol(parameter) is IParameterSymbol
        {
            Type: { Name: "CancellationToken" } or { TypeKind: TypeKind.Error }
        } token
        && lambda.Body.DescendantNodesAndSelf().OfType<MemberAccessExpressionSyntax>().Any(access =>
            access.Expression is IdentifierNameSyntax name && name.Identifier.Text == token.Name
            && !TokenMembers.Contains(access.Name.Identifier.Text)
            && model.GetSymbolInfo(access) is { Symbol: null, CandidateSymbols.IsEmpty: true });
}
