namespace Sluice.Generators;

/// <summary>The text of stages in messages.</summary>
internal static class StageText
{
    private const int Longest = 40;

    /// <summary>The stage that produces the items of this expression: the last one of a chain, without annotations.</summary>
    public static string LastStage(ExpressionSyntax chain, SemanticModel model)
    {
        chain = chain.WithoutParentheses();
        while (chain is BinaryExpressionSyntax { OperatorToken.Text: "|" } stage)
        {
            if (model.GetTypeInfo(stage.Right).Type?.Name is not "StagePolicy") return Short(stage.Right.WithoutParentheses());
            chain = stage.Left.WithoutParentheses();
        }
        return Short(chain);
    }

    /// <summary>The receiver of an operator's method: <c>numbers</c>, or <c>(… | Twice)</c>.</summary>
    public static string Before(ExpressionSyntax chain, SemanticModel model)
        => chain.WithoutParentheses() is BinaryExpressionSyntax ? $"(… | {LastStage(chain, model)})" : Short(chain.WithoutParentheses());

    /// <summary>The text on one line, shortened if it is long.</summary>
    public static string Short(SyntaxNode written)
    {
        string text = string.Join(" ", written.ToString().Split([' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries));
        return text.Length <= Longest ? text : text.Substring(0, Longest) + "…";
    }

    /// <summary>The parameters of a function: <c>'string'</c>, or <c>2 parameters ('int', 'int')</c>.</summary>
    public static string Takes(IMethodSymbol method, SemanticModel model, int position)
    {
        string types = string.Join(", ", method.Parameters.Select(parameter =>
            $"'{parameter.Type.ToMinimalDisplayString(model, position)}'"));
        return method.Parameters.Length switch
        {
            0 => "nothing",
            1 => types,
            _ => $"{method.Parameters.Length} parameters ({types})",
        };
    }
}
