namespace Sluice.Generators;

/// <summary>SLU009: a push in a node that is not awaited: <c>output.PushAsync(item);</c>, a push of the function of <c>Source.Create</c>:
/// <c>push(item);</c>, or a write of a processor: <c>doubles.WriteAsync(value);</c>.</summary>
/// <remarks>
/// The push waits while the stages behind are busy. Without an await the node continues, holds an unbounded number of items, and never sees
/// that a push has failed. A processor that returns before its writes have ended fails.
/// </remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class DroppedPushAnalyzer() : OperationAnalyzer(Rules.DroppedPush, OperationKind.Invocation)
{
    private protected override void Check(OperationAnalysisContext context, SluiceSymbols symbols)
    {
        var call = (IInvocationOperation)context.Operation;
        if (Pushing(call, symbols) is not var (name, loss)) return;

        var value = DroppedTask.Whole(call);
        if (DroppedTask.IsStatement(value) || DroppedTask.IsUnused(value)) context.ReportDiagnostic(Violation(value.Syntax,
            $"The task of '{name}' is dropped: write 'await {StageText.Short(value.Syntax)}', or return the task; {loss}"));
    }

    /// <summary>The name of the push or write that a call makes, and what is lost without an await; null for other calls.</summary>
    private static (string Name, string Loss)? Pushing(IInvocationOperation call, SluiceSymbols symbols) => call.TargetMethod switch
    {
        { Name: "PushAsync", ContainingType.Name: "Output" } push when symbols.IsOurs(push)
            => (push.Name, "a node that does not wait for its pushes has no bound, and does not see them fail"),
        { Name: "WriteAsync", ContainingType.Name: "IOWriter" } write when symbols.IsOurs(write)
            => (write.Name, "a processor that returns before its writes have ended fails, and it does not see a write fail"),
        { MethodKind: MethodKind.DelegateInvoke } when call.Instance is IParameterReferenceOperation { Parameter: var parameter }
            && IsOfCreate(parameter, call, symbols)
            => (parameter.Name, "a function that does not wait for its pushes has no bound, and does not see that an item was refused"),
        _ => null,
    };

    /// <summary>Whether the parameter is the first one of a lambda that is given to <c>Source.Create</c>.</summary>
    private static bool IsOfCreate(IParameterSymbol parameter, IOperation within, SluiceSymbols symbols)
    {
        if (parameter.Ordinal != 0) return false;
        IOperation? lambda = within;
        while (lambda is not null && !(lambda is IAnonymousFunctionOperation { Symbol: var symbol }
            && SluiceSymbols.Same(symbol, parameter.ContainingSymbol))) lambda = lambda.Parent;
        return lambda?.Parent is IDelegateCreationOperation { Parent: IArgumentOperation { Parent: IInvocationOperation given } }
            && given.TargetMethod is { Name: "Create", ContainingType.Name: "Source" } && symbols.IsOurs(given.TargetMethod);
    }
}
