namespace Sluice.Generators;

/// <summary>SLU028: a function that does not fit the parents of its node, as in <c>graph.Add("x", number, (string s) => s)</c>.</summary>
/// <remarks>The compiler reports one of many overloads, at an arbitrary argument.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class GraphMisfitAnalyzer() : SyntaxAnalyzer<InvocationExpressionSyntax>(Rules.GraphMisfit, SyntaxKind.InvocationExpression)
{
    private protected override void Check(InvocationExpressionSyntax call, SyntaxNodeAnalysisContext context, SluiceSymbols symbols)
    {
        var model = context.SemanticModel;
        if (call.Expression is not MemberAccessExpressionSyntax { Name.Identifier.Text: "Add" } access
            || call.ArgumentList.Arguments.Count < 2) return;
        if (model.GetTypeInfo(access.Expression, context.CancellationToken)
            .Type is not INamedTypeSymbol { Name: "GraphBuilder", Arity: 1 } builder || !symbols.IsOurs(builder)) return;

        // The compiler may choose an overload and then refuse its function: only the parameters and the result tell.
        var chosen = model.GetSymbolInfo(call, context.CancellationToken).Symbol;
        bool isChosen = chosen is not null;
        if (isChosen && !SymbolEqualityComparer.Default.Equals(chosen!.ContainingType.OriginalDefinition, builder.OriginalDefinition))
            return;                                  // an extension method of the user
        ExpressionSyntax[] given = [.. InOrder(call.ArgumentList.Arguments).Skip(1).Select(argument => argument.Expression)];
        var written = given[given.Length - 1].WithoutParentheses();
        if (GraphInputs.Of(builder, given.Take(given.Length - 1), model) is not { } inputs)
        {
            if (isChosen) return;
            var wrong = given.Take(given.Length - 1).First(parent => !GraphInputs.IsParent(model.GetTypeInfo(parent).Type));
            if (model.GetTypeInfo(wrong).Type is { TypeKind: not TypeKind.Error } type)
                Report(wrong, $"'{StageText.Short(wrong)}' is no node: it is of type "
                    + $"'{type.ToMinimalDisplayString(model, wrong.SpanStart)}', and a node depends on what Add has returned");
            return;
        }
        var functions = GraphFunction.Of(written, model);
        string text = StageText.Short(written);
        if (functions.Length > 1 && !isChosen)
            Report(written, $"None of the overloads of '{text}' takes what comes here, {inputs.Describe(model, written.SpanStart)}");
        else if (functions.Length == 1) CheckFunction(functions[0]);

        void CheckFunction(GraphFunction function)
        {
            if (function.Count != inputs.Count && !(function.MayTakeToken && function.Count == inputs.Count + 1))
            {
                if (!isChosen) Report(written, $"'{text}' takes {function.Describe(model, written.SpanStart)}, and here comes "
                    + inputs.Describe(model, written.SpanStart));
                return;
            }
            if (function.Count == inputs.Count + 1 && function.EndsUntyped && (function.MisusesToken
                || (function.Returned is { TypeKind: not TypeKind.Error } value && !symbols.IsTask(value))))
            {
                Report(written, $"'{text}' takes {function.Describe(model, written.SpanStart)}, and here comes "
                    + $"{inputs.Describe(model, written.SpanStart)}: one parameter more is a CancellationToken, for a function that returns "
                    + "a task");
                return;
            }
            for (int i = 0; i < inputs.Count; i++)
            {
                if (!function.Misfits(i, inputs.Type(i), model.Compilation)) continue;
                Report(written,
                    $"'{text}' takes '{Show(function.Types[i]!)}', and '{inputs.Name(i)}' {inputs.Verb} '{Show(inputs.Type(i))}'");
                return;
            }
            if (function.ReturnsNothing)
                Report(written, $"'{text}' returns nothing, and a node waits for what its function returns: return a value or a Task");
            else if (!isChosen && function.TakesToken && function.Returned is { TypeKind: not TypeKind.Error } returned
                && !symbols.IsTask(returned))
                Report(written, $"'{text}' takes a token, and only a function that returns a task is given one: leave the token out, or "
                    + "return a Task");
            else if (!isChosen && written is LambdaExpressionSyntax lambda && Unknown(lambda, function) is { } unknown)
                Report(unknown.Name, $"Here comes {inputs.Describe(model, written.SpanStart)}, and {unknown.Reason}");
        }

        // With one parent and a token, the compiler binds the lambda to the overload for a list of parents, and looks for the
        // members of the parent's value in the context.
        (SimpleNameSyntax Name, string Reason)? Unknown(LambdaExpressionSyntax lambda, GraphFunction function)
        {
            ParameterSyntax[] parameters = GraphFunction.Parameters(lambda);
            if (inputs.Count != 1 || function.Count != 2 || parameters.Any(parameter => parameter.Type is not null)) return null;
            var found = LambdaProbe.FirstUnknown(lambda,
                [(parameters[0], Show(inputs.Type(0))), (parameters[1], "System.Threading.CancellationToken")], model);
            return found?.Name.Parent is MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax receiver }
                && receiver.Identifier.Text == parameters[0].Identifier.Text ? found : null;
        }

        // Named arguments may stand in any order.
        static IEnumerable<ArgumentSyntax> InOrder(SeparatedSyntaxList<ArgumentSyntax> arguments)
            => arguments.Select((argument, index) => (argument, place: PlaceOf(argument.NameColon?.Name.Identifier.Text) ?? index))
            .OrderBy(each => each.place).Select(each => each.argument);

        static int? PlaceOf(string? parameter) => parameter switch
        {
            "name" => 0,
            "first" or "parents" => 1,
            "second" => 2,
            "third" => 3,
            "fourth" => 4,
            "function" => 5,
            _ => null,
        };

        string Show(ITypeSymbol type) => type.ToMinimalDisplayString(model, written.SpanStart);

        void Report(ExpressionSyntax at, string message) => context.ReportDiagnostic(Violation(at, message));
    }
}
