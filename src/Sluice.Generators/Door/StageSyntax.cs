using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sluice.Generators;

/// <summary>What stands behind a <c>|</c>, as it is written.</summary>
internal static class StageSyntax
{
    /// <summary>The one parameter of a lambda; null where it has none or several.</summary>
    public static ParameterSyntax? Parameter(this LambdaExpressionSyntax lambda) => lambda switch
    {
        SimpleLambdaExpressionSyntax simple => simple.Parameter,
        ParenthesizedLambdaExpressionSyntax { ParameterList.Parameters: { Count: 1 } parameters } => parameters[0],
        _ => null,
    };

    public static ExpressionSyntax WithoutParentheses(this ExpressionSyntax expression) =>
        expression is ParenthesizedExpressionSyntax inner ? inner.Expression.WithoutParentheses() : expression;
}
