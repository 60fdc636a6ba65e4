namespace Sluice.Generators;

/// <summary>
/// Finds the parts of a returned expression that may be null: by the compiler's flow analysis, and without that, by what is visibly null.
/// <c>null!</c> and a cast to a written nullable type say that null is intended.
/// </summary>
internal sealed class NullFlow(SemanticModel model, SluiceSymbols symbols)
{
    public IEnumerable<SyntaxNode> NullsIn(IOperation result)
    {
        var value = FunctionBody.Bare(result);
        if (value.Syntax is PostfixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.SuppressNullableWarningExpression }) return [];
        switch (value)
        {
            case IConditionalOperation { WhenFalse: { } otherwise } choice:
                return NullsIn(choice.WhenTrue).Concat(NullsIn(otherwise));
            case ISwitchExpressionOperation choice:
                return choice.Arms.SelectMany(arm => NullsIn(arm.Value));
            case ICoalesceOperation choice:
                return NullsIn(choice.WhenNull);
            case IConversionOperation { Syntax: CastExpressionSyntax { Type: NullableTypeSyntax } }:
                return [];
            case IConversionOperation { IsTryCast: true } when !MayStay(value.Syntax):
            case ILiteralOperation { ConstantValue: { HasValue: true, Value: null } }:
            case IDefaultValueOperation { Type: null or { IsReferenceType: true } }:
                return [value.Syntax];
            default:
                return IsMaybeNull(value.Syntax) ? [value.Syntax] : [];
        }
    }

    /// <summary>Whether the type, or the result of its task, is a reference type with a written <c>?</c>.</summary>
    public bool IsAnnotated(ITypeSymbol? type) =>
        type is not null && symbols.Awaited(type) is { IsReferenceType: true, NullableAnnotation: NullableAnnotation.Annotated };

    private bool IsMaybeNull(SyntaxNode syntax)
    {
        var info = model.GetTypeInfo(syntax);
        if (symbols.IsTask(info.Type)) return IsAnnotated(info.Type);
        return info is { Type.IsReferenceType: true, Nullability.FlowState: NullableFlowState.MaybeNull };
    }

    /// <summary>Whether flow analysis knows that the expression is not null.</summary>
    private bool MayStay(SyntaxNode syntax) => model.GetTypeInfo(syntax).Nullability.FlowState == NullableFlowState.NotNull;
}
