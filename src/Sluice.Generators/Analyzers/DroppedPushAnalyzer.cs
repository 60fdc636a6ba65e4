namespace Sluice.Generators;

/// <summary>SLU009: a push in a node that is not awaited: <c>output.PushAsync(item);</c>, or a write of a processor:
/// <c>doubles.WriteAsync(value);</c>.</summary>
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
        if (call.TargetMethod is not ({ Name: "PushAsync", ContainingType.Name: "Output" }
            or { Name: "WriteAsync", ContainingType.Name: "IOWriter" }) || !symbols.IsOurs(call.TargetMethod)) return;
        string name = call.TargetMethod.Name;

        // A value made of the task (AsTask, ConfigureAwait) is dropped like the task.
        IOperation value = call;
        while (value.Parent is IInvocationOperation next && next.Instance == value) value = next;
        if (value.Parent is IConditionalAccessOperation access) value = access;
        if (IsDropped(value)) context.ReportDiagnostic(Violation(value.Syntax,
            $"The task of '{name}' is dropped: write 'await {StageText.Short(value.Syntax)}', or return the task; a "
                + (name == "PushAsync" ? "node that does not wait for its pushes has no bound, and does not see them fail"
                    : "processor that returns before its writes have ended fails, and it does not see a write fail")));
    }

    private static bool IsDropped(IOperation value) => value.Parent switch
    {
        IExpressionStatementOperation => true,
        IVariableInitializerOperation { Parent: IVariableDeclaratorOperation { Symbol: var local } } initializer
            => !IsUsed(local, initializer),
        _ => false,
    };

    private static bool IsUsed(ILocalSymbol local, IOperation within)
    {
        while (within.Parent is not null) within = within.Parent;
        return within.Descendants().OfType<ILocalReferenceOperation>().Any(use => SluiceSymbols.Same(use.Local, local));
    }
}
