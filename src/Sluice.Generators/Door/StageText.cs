namespace Sluice.Generators;

/// <summary>Stages as messages name them.</summary>
internal static class StageText
{
    private const int Longest = 40;

    /// <summary>The stage that puts out what comes behind this expression: the last one of a chain that is no annotation.</summary>
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

    /// <summary>What an operator's method is called of: <c>numbers</c>, or <c>(… | Twice)</c>.</summary>
    public static string Before(ExpressionSyntax chain, SemanticModel model)
        => chain.WithoutParentheses() is BinaryExpressionSyntax ? $"(… | {LastStage(chain, model)})" : Short(chain.WithoutParentheses());

    /// <summary>What is written, on one line, cut where it is long.</summary>
    public static string Short(SyntaxNode written)
    {
        string text = string.Join(" ", written.ToString().Split([' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries));
        return text.Length <= Longest ? text : text.Substring(0, Longest) + "…";
    }

    /// <summary>What a function takes: <c>'string'</c>, or <c>2 parameters ('int', 'int')</c>.</summary>
    public static string Takes(IMethodSymbol method, SemanticModel model, int position)
    {
        string types = string.Join(", ", method.Parameters.Select(parameter => $"'{parameter.Type.ToMinimalDisplayString(model, position)}'"));
        return method.Parameters.Length switch
        {
            0 => "nothing",
            1 => types,
            _ => $"{method.Parameters.Length} parameters ({types})",
        };
    }
}
