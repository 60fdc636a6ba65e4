namespace Sluice.Generators;

/// <summary>
/// SLU002: a forgotten await: a stage whose items are tasks, a function that drops the task of a call, or an <c>async void</c> function.
/// </summary>
/// <remarks>The item would count as completed before its work is, and a failure of the work would be lost.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ForgottenAwaitAnalyzer() : StageAnalyzer(Rules.ForgottenAwait)
{
    private protected override void Register(CompilationStartAnalysisContext start, SluiceSymbols symbols)
    {
        start.RegisterOperationAction(action => CheckItems(action, symbols), OperationKind.Binary, OperationKind.Invocation);
        start.RegisterOperationAction(action => CheckFunction(action, symbols), OperationKind.DelegateCreation);
    }

    private void CheckItems(OperationAnalysisContext context, SluiceSymbols symbols)
    {
        if (StageCall.From(context.Operation, symbols) is not { } stage) return;
        var item = symbols.ItemOf(stage.Method.ReturnType);
        if (!symbols.IsTask(item)) return;
        foreach (var (given, value) in stage.Maps(symbols))
        {
            // A stage that takes tasks and puts out tasks is not the place of the mistake.
            if (given.DelegateInvokeMethod!.Parameters.Any(parameter => symbols.IsTask(parameter.Type))) continue;
            context.ReportDiagnostic(Violation(value.Syntax,
                $"This stage hands on '{Short(item!)}' as its items, and they are not awaited; use '|' or 'SelectAsync', which await what "
                    + "the function returns"));
        }
    }

    private void CheckFunction(OperationAnalysisContext context, SluiceSymbols symbols)
    {
        var creation = (IDelegateCreationOperation)context.Operation;
        bool isInStage = GoesToAStage(creation, symbols);
        if (AsyncVoidName(creation) is { } name)
        {
            if (isInStage || IsCallback(creation, symbols)) context.ReportDiagnostic(AsyncVoid(creation.Target, name));
            return;
        }
        if (!isInStage) return;
        switch (creation.Target)
        {
            case IAnonymousFunctionOperation { Symbol.IsAsync: false } lambda:
                foreach (var call in FunctionBody.DroppedTasks(lambda.Body, symbols))
                    context.ReportDiagnostic(Dropped(call, NameOf(call)));
                break;
            case IMethodReferenceOperation { Method.IsAsync: false } group when BodyOf(group) is { } body:
                if (FunctionBody.DroppedTasks(body, symbols).FirstOrDefault() is { } first)
                    context.ReportDiagnostic(Dropped(group, $"{NameOf(first)}' in '{group.Method.Name}", first.Syntax.GetLocation()));
                break;
        }
    }

    private static string? AsyncVoidName(IDelegateCreationOperation creation) => creation.Target switch
    {
        IAnonymousFunctionOperation { Symbol: { IsAsync: true, ReturnsVoid: true } } => "This lambda",
        IMethodReferenceOperation { Method: { IsAsync: true, ReturnsVoid: true } method } => method.Name,
        _ => null,
    };

    private Diagnostic AsyncVoid(IOperation function, string name) => Violation(function.Syntax,
        $"'{name}' is async void, so nothing can wait for it and a failure would end the process; let it return a Task, or be synchronous "
            + "where Sluice takes no task");

    private Diagnostic Dropped(IOperation at, string call, params Location[] others) => Violation(at.Syntax,
        $"The task of '{call}' is dropped: the item would count as completed before the work is done, and a failure would be lost; await "
            + "it ('async x => await …') or return it", others);

    /// <summary>
    /// Whether a function reaches a stage: as an argument, as an operand of the operator, inside brackets, or inside named branches.
    /// </summary>
    private static bool GoesToAStage(IOperation function, SluiceSymbols symbols)
        => Taker(function) is var taker && taker is IObjectCreationOperation { Constructor: { } constructor }
            ? symbols.IsOurs(constructor)
            : StageCall.From(taker, symbols) is not null;

    /// <summary>Whether Sluice calls a function that returns nothing: it is an argument of a method, or the value of an option.</summary>
    private static bool IsCallback(IOperation function, SluiceSymbols symbols) => Taker(function) switch
    {
        IInvocationOperation call => symbols.IsOurs(call.TargetMethod),
        ISimpleAssignmentOperation { Target: IPropertyReferenceOperation { Property.SetMethod: { } setter } } => symbols.IsOurs(setter),
        _ => false,
    };

    private static IOperation? Taker(IOperation function)
    {
        var parent = function.Parent;
        while (parent is IConversionOperation or IArgumentOperation or ITupleOperation or ICollectionExpressionOperation
               or IArrayInitializerOperation or IArrayCreationOperation or IParenthesizedOperation)
            parent = parent.Parent;
        return parent;
    }

    /// <summary>
    /// The body of a method of the same file. A method of another file would need another semantic model, which costs too much while
    /// typing.
    /// </summary>
    private static IOperation? BodyOf(IMethodReferenceOperation group)
    {
        var declaration = group.Method.OriginalDefinition.DeclaringSyntaxReferences.FirstOrDefault();
        if (group.SemanticModel is not { } model || declaration is null || declaration.SyntaxTree != model.SyntaxTree) return null;
        return model.GetOperation(declaration.GetSyntax());
    }

    private static string NameOf(IOperation call) => call switch
    {
        IInvocationOperation invocation => invocation.TargetMethod.Name,
        IConditionalAccessOperation access => NameOf(access.WhenNotNull),
        _ => call.Syntax.ToString(),
    };

    private static string Short(ITypeSymbol type) => type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);
}
