namespace Sluice.Generators;

/// <summary>
/// SLU021: an operator written like a function, as in <c>numbers | Where(n => n > 2)</c>. The compiler only says that there is no such
/// name.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class OperatorNameAnalyzer() : SyntaxAnalyzer<BinaryExpressionSyntax>(
    Rules.OperatorName, SyntaxKind.BitwiseOrExpression, SyntaxKind.LessThanExpression)
{
    private protected override void Check(BinaryExpressionSyntax stage, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var model = context.SemanticModel;
        if (Unknown(stage.Left) is { } first && string.Equals(first.Identifier.Text, "merge", StringComparison.OrdinalIgnoreCase))
            Report(first, "'Merge' is a static method: write 'Pipe.Merge(…)' of pipes, or 'Source.Merge(…)' of sources");

        if (symbols.ItemOf(model.GetTypeInfo(stage.Left, context.CancellationToken).Type) is not { } item) return;
        string before = StageText.Before(stage.Left, model);
        if (stage.Right.WithoutParentheses()
                is InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax { Name: { } member } access } call
            && model.GetSymbolInfo(call, context.CancellationToken) is { Symbol: null }
            && model.GetTypeInfo(access.Expression, context.CancellationToken).Type is INamedTypeSymbol owner && symbols.IsOurs(owner))
        {
            string called = member.Identifier.Text;
            if (owner is { Name: "Route", Arity: 0 })
                Report(member, $"The branches of '{called}' are pipes that take one type and put out one type, beside names if its "
                    + $"function returns a 'string': 'Route.{called}(Parity, (\"even\", even), (\"odd\", odd))', and without names if it "
                    + "returns their index, an 'int'; a lambda states the type of its parameter");
            else if (symbols.IsForms(owner) && called == "Route") ReportRoute(member);
            else if (symbols.IsForms(owner) && symbols.HasForm(called))
            {
                string type = item.ToMinimalDisplayString(model, call.SpanStart);
                Report(member, $"C# cannot see from here which items come: write the types of parameters, '({type} item) => …', and "
                    + $"pipes for branches, 'Pipe.Of<{type}>() | …'; or use the method, '{before}.{called}(…)'");
            }
            else if (symbols.IsForms(owner) && symbols.HasOperator(called)) ReportMethod(member, called);
        }
        if (Unknown(stage.Right) is not { } name) return;
        string text = name.Identifier.Text;
        if (text == "Route") ReportRoute(name);
        else if (symbols.HasForm(text) && symbols.HasOperator(text))
            Report(name, $"'{text}' is a method of sources and pipes: write '{before}.{text}(…)', or '| Pipe.{text}(…)', where a "
                + "lambda states the type of its parameter");
        else if (symbols.HasOperator(text)) ReportMethod(name, text);
        else if (symbols.HasAnnotation(text)) Report(name, $"'{text}' is an annotation: write '| Stage.{text}(…)'");

        // The name in a call, if it means no function.
        SimpleNameSyntax? Unknown(ExpressionSyntax written)
        {
            if (written.WithoutParentheses() is not InvocationExpressionSyntax { Expression: SimpleNameSyntax called } invocation)
                return null;
            var found = model.GetSymbolInfo(invocation, context.CancellationToken);
            return found.Symbol is null && found.CandidateSymbols.All(candidate => candidate is ITypeSymbol) ? called : null;
        }

        void ReportRoute(SimpleNameSyntax at) => Report(at,
            $"'Route' is a method of sources and pipes: write '{before}.Route(…)', or '| Route.By(…)' with branches that are pipes");

        void ReportMethod(SimpleNameSyntax at, string called) => Report(at,
            $"'{called}' is a method of sources and pipes: write '{before}.{called}(…)' and go on with '|'");

        void Report(SimpleNameSyntax at, string message) => context.ReportDiagnostic(Violation(at, message));
    }
}
