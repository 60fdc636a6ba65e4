namespace Sluice.Generators;

/// <summary>
/// SLU021: an operator written like a function, as in <c>numbers | Where(n => n > 2)</c>. The compiler only says that there is no such
/// name.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class OperatorNameAnalyzer() : SyntaxAnalyzer<BinaryExpressionSyntax>(
    [SyntaxKind.BitwiseOrExpression, SyntaxKind.LessThanExpression], Method, Form, Routes, Branches, Beginning, Annotation, Untyped)
{
    private const string Id = "SLU021";

    private static readonly RuleFamily Family = new("An operator that is written like a function",
        "Operators are methods of sources and pipes; those that C# can infer are also static methods of Pipe.");

    private static readonly DiagnosticDescriptor Method = Family.Error(Id,
        "'{0}' is a method of sources and pipes: write '{1}.{0}(…)' and go on with '|'");

    private static readonly DiagnosticDescriptor Form = Family.Error(Id,
        "'{0}' is a method of sources and pipes: write '{1}.{0}(…)', or '| Pipe.{0}(…)', where a lambda states the type of its parameter");

    private static readonly DiagnosticDescriptor Routes = Family.Error(Id,
        "'Route' is a method of sources and pipes: write '{1}.Route(…)', or '| Route.By(…)' with branches that are pipes");

    private static readonly DiagnosticDescriptor Branches = Family.Error(Id,
        "The branches of '{0}' are pipes that take one type and put out one type, beside names if its function returns a 'string': "
            + "'Route.{0}(Parity, (\"even\", even), (\"odd\", odd))', and without names if it returns their index, an 'int'; "
        + "a lambda states the type of its parameter");

    private static readonly DiagnosticDescriptor Beginning = Family.Error(Id,
        "'{0}' is a static method: write 'Pipe.{0}(…)' of pipes, or 'Source.{0}(…)' of sources");

    private static readonly DiagnosticDescriptor Annotation = Family.Error(Id, "'{0}' is an annotation: write '| Stage.{0}(…)'");

    private static readonly DiagnosticDescriptor Untyped = Family.Error(Id,
        "C# cannot see from here which items come: write the types of parameters, '({2} item) => …', and pipes for branches, "
            + "'Pipe.Of<{2}>() | …'; or use the method, '{1}.{0}(…)'");

    private protected override void Check(BinaryExpressionSyntax stage, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var model = context.SemanticModel;
        if (Unknown(stage.Left) is { } first && first.Identifier.Text is var begin
            && string.Equals(begin, "merge", StringComparison.OrdinalIgnoreCase)) Report(Beginning, first, "Merge");

        if (symbols.ItemOf(model.GetTypeInfo(stage.Left, context.CancellationToken).Type) is not { } item) return;
        if (stage.Right.WithoutParentheses()
                is InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax { Name: { } member } access } call
            && model.GetSymbolInfo(call, context.CancellationToken) is { Symbol: null }
            && model.GetTypeInfo(access.Expression, context.CancellationToken).Type is INamedTypeSymbol owner && symbols.IsOurs(owner))
        {
            string called = member.Identifier.Text;
            if (owner is { Name: "Route", Arity: 0 }) Report(Branches, member, called);
            else if (symbols.IsForms(owner) && called == "Route") Report(Routes, member, called);
            else if (symbols.IsForms(owner) && symbols.HasForm(called))
                Report(Untyped, member, called, item.ToMinimalDisplayString(model, call.SpanStart));
            else if (symbols.IsForms(owner) && symbols.HasOperator(called)) Report(Method, member, called);
        }
        if (Unknown(stage.Right) is not { } name) return;
        string text = name.Identifier.Text;
        if (text == "Route") Report(Routes, name, text);
        else if (symbols.HasOperator(text)) Report(symbols.HasForm(text) ? Form : Method, name, text);
        else if (symbols.HasAnnotation(text)) Report(Annotation, name, text);

        // The name in a call, if it means no function.
        SimpleNameSyntax? Unknown(ExpressionSyntax written)
        {
            if (written.WithoutParentheses() is not InvocationExpressionSyntax { Expression: SimpleNameSyntax called } invocation)
                return null;
            var found = model.GetSymbolInfo(invocation, context.CancellationToken);
            return found.Symbol is null && found.CandidateSymbols.All(candidate => candidate is ITypeSymbol) ? called : null;
        }

        void Report(DiagnosticDescriptor rule, SimpleNameSyntax at, params object[] words)
            => context.ReportDiagnostic(Diagnostic.Create(rule, at.GetLocation(),
            [words[0], StageText.Before(stage.Left, model), .. words.Skip(1)]));
    }
}
