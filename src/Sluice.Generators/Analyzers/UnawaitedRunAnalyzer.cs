namespace Sluice.Generators;

/// <summary>
/// SLU005: a run that is started and never awaited: dropped at once, or kept in a local of which nothing awaitable is used. So are dropped
/// tasks of a consecutor, of what sends to one or to a run, and of a supervisor.
/// </summary>
/// <remarks>The method would end while items are in flight, and a failure of the run would be lost.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UnawaitedRunAnalyzer() : StageAnalyzer(Rules.UnawaitedRun)
{
    private protected override void Register(CompilationStartAnalysisContext start, SluiceSymbols symbols)
    {
        if (symbols.Run is not null) start.RegisterOperationBlockAction(action => Check(action, symbols));
    }

    private void Check(OperationBlockAnalysisContext context, SluiceSymbols symbols)
    {
        foreach (var block in context.OperationBlocks)
        {
            // Locals are looked up once per block, and only in blocks that start a run.
            var uses = new Lazy<ILookup<ILocalSymbol, IOperation>>(() => RunUse.OfLocals(block));
            foreach (var call in block.Descendants().OfType<IInvocationOperation>())
                if (Starts(call, symbols))
                {
                    if (RunUse.IsForgotten(call, uses, symbols)) context.ReportDiagnostic(Report(call, call,
                        "use 'await using var run = …' and 'await run.Completion', or return the run to a caller that awaits it"));
                }
                else if (IsDropped(call, symbols, out var task))
                {
                    context.ReportDiagnostic(Report(call, task, $"write 'await' before it: '{DroppedTask.Awaiting(task)}'"));
                }
        }

        Diagnostic Report(IInvocationOperation call, IOperation at, string remedy) => Violation(at.Syntax,
            (SluiceSymbols.Same(call.TargetMethod.ContainingType, symbols.Pipeline)
                ? $"The run that '{call.TargetMethod.Name}' starts is never awaited"
                : $"'{call.TargetMethod.Name}' is not awaited")
                + $", so its end and its failure go unseen; {remedy}");
    }

    /// <summary>Whether a call starts a run: a method of a pipeline, or one of the analysed code whose result is dropped. Other methods
    /// return a run that was started elsewhere.</summary>
    private static bool Starts(IInvocationOperation call, SluiceSymbols symbols)
        => SluiceSymbols.Same(call.TargetMethod.ReturnType, symbols.Run)
        && (SluiceSymbols.Same(call.TargetMethod.ContainingType, symbols.Pipeline)
            || (symbols.IsAnalysed(call.TargetMethod) && DroppedTask.IsStatement(DroppedTask.Whole(call))));

    /// <summary>
    /// Whether a call drops a task of a type that runs by itself or sends to one: into a local that is not used, or as a statement. Inside
    /// of async functions the compiler reports the statement (CS4014), unless it has a <c>?.</c>.
    /// </summary>
    private static bool IsDropped(IInvocationOperation call, SluiceSymbols symbols, out IOperation task)
    {
        task = call;
        if (!symbols.IsTask(call.TargetMethod.ReturnType) || !symbols.IsStarted(call.TargetMethod.ContainingType)) return false;
        task = DroppedTask.Whole(call);
        return DroppedTask.IsUnused(task) || (DroppedTask.IsStatement(task)
            && (task is IConditionalAccessOperation || !RunUse.IsInAsyncFunction(call)));
    }
}
