namespace Sluice.Generators;

/// <summary>Recognises code that says that null items are intended, or that handles them at once.</summary>
internal static class NullConsent
{
    /// <summary>
    /// Whether the lambda has a written return type, or the call has written type arguments: with nullable analysis, the compiler checks
    /// the function against them.
    /// </summary>
    public static bool IsWritten(StageCall stage, IOperation function, SemanticModel model)
    {
        NullableContext context = model.GetNullableContext(function.Syntax.SpanStart);
        if ((context & NullableContext.WarningsEnabled) == NullableContext.Disabled) return false;
        if (function.Syntax is ParenthesizedLambdaExpressionSyntax { ReturnType: not null }) return true;
        return stage.Operation.Syntax is InvocationExpressionSyntax
        {
            Expression: MemberAccessExpressionSyntax { Name: GenericNameSyntax } or GenericNameSyntax,
        };
    }

    /// <summary>
    /// Whether the next function takes a parameter with a written <c>?</c>, or tests its parameter for null; or the next pipe, sink or
    /// consecutor takes items with a <c>?</c>, or is made by such a function (<c>Pipe.Where((string? word) => …)</c>).
    /// </summary>
    public static bool IsExpectedBehind(StageCall stage, SluiceSymbols symbols, SemanticModel model)
    {
        var next = stage.Next(symbols);
        // Annotations (`| Stage.Parallel(8)`) have no function; the stage after them gets the items.
        while (next is not null && Piece(next, stage, symbols) is null
               && next.Arguments.All(argument => StageCall.Written(argument.Value) is null)) next = next.Next(symbols);
        if (next is null) return false;
        if (Piece(next, stage, symbols) is not { } piece) return next.Arguments.Any(argument => Expects(argument.Value));
        while (piece is IBinaryOperation chain) piece = FunctionBody.Bare(chain.LeftOperand);
        var taken = symbols.TakenBy(model.GetTypeInfo(piece.Syntax).Type);
        return taken is { IsReferenceType: true, NullableAnnotation: NullableAnnotation.Annotated }
            || (piece is IInvocationOperation call && symbols.IsOurs(call.TargetMethod)
                && call.Arguments.Any(argument => Expects(argument.Value)));
    }

    /// <summary>The pipe, sink or consecutor that gets the items of a stage; null if the next stage is another one.</summary>
    private static IOperation? Piece(StageCall next, StageCall stage, SluiceSymbols symbols) => next.Arguments
        .Where(argument => !argument.Value.Syntax.Span.Contains(stage.Operation.Syntax.Span))
        .Select(argument => FunctionBody.Bare(argument.Value))
        .FirstOrDefault(value => symbols.TakenBy(value.Type) is not null);

    private static bool Expects(IOperation value) => StageCall.Written(value) switch
    {
        IMethodReferenceOperation { Method.Parameters: { IsEmpty: false } parameters } => IsAnnotated(parameters[0]),
        IAnonymousFunctionOperation { Symbol.Parameters: { IsEmpty: false } parameters } lambda =>
            (IsTyped(lambda.Syntax) && IsAnnotated(parameters[0]))
            || lambda.Body.Descendants().Any(operation => TestsForNull(operation, parameters[0])),
        _ => false,
    };

    private static bool IsTyped(SyntaxNode lambda) =>
        lambda is ParenthesizedLambdaExpressionSyntax { ParameterList.Parameters: { Count: > 0 } parameters }
        && parameters[0].Type is not null;

    private static bool IsAnnotated(IParameterSymbol parameter) =>
        parameter.Type is { IsReferenceType: true, NullableAnnotation: NullableAnnotation.Annotated };

    private static bool TestsForNull(IOperation operation, IParameterSymbol item) => operation switch
    {
        IConditionalAccessOperation access => Is(access.Operation, item),
        ICoalesceOperation coalesce => Is(coalesce.Value, item),
        IIsPatternOperation pattern => Is(pattern.Value, item),
        IIsTypeOperation test => Is(test.ValueOperand, item),
        ISwitchExpressionOperation choice => Is(choice.Value, item),
        IBinaryOperation comparison => (Is(comparison.LeftOperand, item) && IsNull(comparison.RightOperand))
                                       || (Is(comparison.RightOperand, item) && IsNull(comparison.LeftOperand)),
        _ => false,
    };

    private static bool Is(IOperation value, IParameterSymbol item) =>
        FunctionBody.Bare(value) is IParameterReferenceOperation reference && SluiceSymbols.Same(reference.Parameter, item);

    private static bool IsNull(IOperation value) => FunctionBody.Bare(value).ConstantValue is { HasValue: true, Value: null };
}
