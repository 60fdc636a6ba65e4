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

        var value = DroppedTask.Whole(call);
        if (DroppedTask.IsStatement(value) || DroppedTask.IsUnused(value)) context.ReportDiagnostic(Violation(value.Syntax,
            $"The task of '{name}' is dropped: write 'await {StageText.Short(value.Syntax)}', or return the task; a "
                + (name == "PushAsync" ? "node that does not wait for its pushes has no bound, and does not see them fail"
                    : "processor that returns before its writes have ended fails, and it does not see a write fail")));
    }
}
