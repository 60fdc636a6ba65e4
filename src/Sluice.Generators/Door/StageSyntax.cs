namespace Sluice.Generators;

/// <summary>Reads the right side of a <c>|</c>, as it is written.</summary>
internal static class StageSyntax
{
    /// <summary>The only parameter of a lambda; null if it has none or several.</summary>
    public static ParameterSyntax? Parameter(this LambdaExpressionSyntax lambda) => lambda switch
    {
        SimpleLambdaExpressionSyntax simple => simple.Parameter,
        ParenthesizedLambdaExpressionSyntax { ParameterList.Parameters: { Count: 1 } parameters } => parameters[0],
        _ => null,
    };

    /// <summary>The methods that a name without a call stands for; none for anything else, such as <c>new N()</c>.</summary>
    public static IMethodSymbol[] MethodGroup(this SemanticModel model, ExpressionSyntax written) =>
        written is SimpleNameSyntax or MemberAccessExpressionSyntax ? [.. model.GetMemberGroup(written).OfType<IMethodSymbol>()] : [];

    public static ExpressionSyntax WithoutParentheses(this ExpressionSyntax expression) =>
        expression is ParenthesizedExpressionSyntax inner ? inner.Expression.WithoutParentheses() : expression;
}
