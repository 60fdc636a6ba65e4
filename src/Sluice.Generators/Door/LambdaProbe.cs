namespace Sluice.Generators;

/// <summary>Finds out why a lambda without types fits nowhere: binds it once more, with the types that come.</summary>
internal static class LambdaProbe
{
    /// <summary>Binds the lambda with these types of its parameters.</summary>
    /// <param name="lambda">The lambda, as it is written.</param>
    /// <param name="parameters">Its parameters, and the types to give them, as text.</param>
    /// <param name="model">The model of the code around it.</param>
    /// <returns>The first name that then means nothing, and a part of a sentence that says so; null if each name means something.</returns>
    public static (SimpleNameSyntax Name, string Reason)? FirstUnknown(
        LambdaExpressionSyntax lambda, IEnumerable<(ParameterSyntax Written, string Type)> parameters, SemanticModel model)
    {
        var typed = SyntaxFactory.ParenthesizedLambdaExpression(lambda.Body)
            .WithModifiers(lambda.Modifiers)
            .WithParameterList(SyntaxFactory.ParameterList(SyntaxFactory.SeparatedList(parameters.Select(parameter =>
                SyntaxFactory.Parameter(parameter.Written.Identifier).WithType(SyntaxFactory.ParseTypeName(parameter.Type + " "))))));
        var statement = SyntaxFactory.ParseStatement($"var probe = {typed.ToFullString()};");
        if (!model.TryGetSpeculativeSemanticModel(lambda.SpanStart, statement, out var speculative)) return null;
        var probe = statement.DescendantNodes().OfType<LambdaExpressionSyntax>().First();

        // Both bodies have the same text, so their names are in the same order. A call of something unknown does not fit either.
        (SimpleNameSyntax Name, string Reason)? misfit = null;
        foreach (var (name, bound) in Names(lambda).Zip(Names(probe), (name, bound) => (name, bound)))
        {
            var info = speculative.GetSymbolInfo(bound);
            if (info.Symbol is not null) continue;
            if (info.CandidateReason == CandidateReason.None) return (name, $"'{name.Identifier.Text}' is not known there");
            if (info.CandidateReason == CandidateReason.OverloadResolutionFailure)
                misfit ??= (name, $"'{name.Identifier.Text}' does not take the arguments it is given");
        }
        return misfit;
    }

    /// <summary>The names that must mean something: accessed members, called methods, and plain values.</summary>
    private static IEnumerable<SimpleNameSyntax> Names(LambdaExpressionSyntax lambda) => lambda.Body.DescendantNodesAndSelf()
        .OfType<SimpleNameSyntax>()
        .Where(name => name.Identifier.Text is not ("_" or "var" or "nameof"));
}
