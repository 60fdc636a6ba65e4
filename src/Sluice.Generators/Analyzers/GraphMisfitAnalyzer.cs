namespace Sluice.Generators;

/// <summary>SLU028: a function that does not fit the parents of its node, as in <c>graph.Add("x", number, (string s) => s)</c>.</summary>
/// <remarks>The compiler reports one of many overloads, at an arbitrary argument.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class GraphMisfitAnalyzer() : SyntaxAnalyzer<InvocationExpressionSyntax>(
    [SyntaxKind.InvocationExpression], Parameter, Count, More, Overloads, Parent, Token, Result)
{
    private const string Id = "SLU028";

    private static readonly RuleFamily Family = new("A function that does not fit the parents of its node",
        "The function of a node takes what its parents produce, in their order, and a token if it is asynchronous.");

    private static readonly DiagnosticDescriptor Parameter = Family.Error(Id, "'{0}' takes '{1}', and '{2}' {3} '{4}'");

    private static readonly DiagnosticDescriptor Count = Family.Error(Id, "'{0}' takes {1}, and here comes {2}");

    private static readonly DiagnosticDescriptor More = Family.Error(Id,
        "'{0}' takes {1}, and here comes {2}: one parameter more is a CancellationToken, for a function that returns a task");

    private static readonly DiagnosticDescriptor Overloads = Family.Error(Id, "None of the overloads of '{0}' takes what comes here, {1}");

    private static readonly DiagnosticDescriptor Parent = Family.Error(Id,
        "'{0}' is no node: it is of type '{1}', and a node depends on what Add has returned");

    private static readonly DiagnosticDescriptor Token = Family.Error(Id,
        "'{0}' takes a token, and only a function that returns a task is given one: leave the token out, or return a Task");

    private static readonly DiagnosticDescriptor Result = Family.Error(Id,
        "'{0}' returns nothing, and a node waits for what its function returns: return a value or a Task");

    private protected override void Check(InvocationExpressionSyntax call, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var model = context.SemanticModel;
        if (call.Expression is not MemberAccessExpressionSyntax { Name.Identifier.Text: "Add" } access
            || call.ArgumentList.Arguments.Count < 2) return;
        if (model.GetTypeInfo(access.Expression, context.CancellationToken)
            .Type is not INamedTypeSymbol { Name: "GraphBuilder", Arity: 1 } builder || !symbols.IsOurs(builder)) return;

        // The compiler may choose an overload and then refuse its function: only the parameters and the result tell.
        bool isChosen = model.GetSymbolInfo(call, context.CancellationToken).Symbol is not null;
        ExpressionSyntax[] given = [.. call.ArgumentList.Arguments.Skip(1).Select(argument => argument.Expression)];
        var written = given[given.Length - 1].WithoutParentheses();
        if (GraphInputs.Of(builder, given.Take(given.Length - 1), model) is not { } inputs)
        {
            var wrong = given.Take(given.Length - 1).First(parent => !GraphInputs.IsParent(model.GetTypeInfo(parent).Type));
            if (model.GetTypeInfo(wrong).Type is { TypeKind: not TypeKind.Error } type)
                Report(Parent, wrong, StageText.Short(wrong), type.ToMinimalDisplayString(model, wrong.SpanStart));
            return;
        }
        var functions = GraphFunction.Of(written, model);
        if (functions.Length > 1 && !isChosen) Report(Overloads, written, StageText.Short(written),
            inputs.Describe(model, written.SpanStart));
        else if (functions.Length == 1) CheckFunction(functions[0]);

        void CheckFunction(GraphFunction function)
        {
            string text = StageText.Short(written);
            if (function.Count != inputs.Count && !(function.MayTakeToken && function.Count == inputs.Count + 1))
            {
                if (!isChosen) Report(Count, written, text, function.Describe(model, written.SpanStart),
                    inputs.Describe(model, written.SpanStart));
                return;
            }
            if (function.Count == inputs.Count + 1 && function.EndsUntyped && (function.MisusesToken
                || (function.Returned is { TypeKind: not TypeKind.Error } value && !symbols.IsTask(value))))
            {
                Report(More, written, text, function.Describe(model, written.SpanStart), inputs.Describe(model, written.SpanStart));
                return;
            }
            for (int i = 0; i < inputs.Count; i++)
            {
                if (!function.Misfits(i, inputs.Type(i), model.Compilation)) continue;
                Report(Parameter, written, text, Show(function.Types[i]!), inputs.Name(i), inputs.Verb, Show(inputs.Type(i)));
                return;
            }
            if (function.ReturnsNothing) Report(Result, written, text);
            else if (!isChosen && function.TakesToken && function.Returned is { TypeKind: not TypeKind.Error } returned
                && !symbols.IsTask(returned)) Report(Token, written, text);
        }

        string Show(ITypeSymbol type) => type.ToMinimalDisplayString(model, written.SpanStart);

        void Report(DiagnosticDescriptor rule, ExpressionSyntax at, params object[] words)
            => context.ReportDiagnostic(Diagnostic.Create(rule, at.GetLocation(), words));
    }
}
