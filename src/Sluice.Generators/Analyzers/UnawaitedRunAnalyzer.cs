namespace Sluice.Generators;

/// <summary>
/// SLU005: a run that is started and never awaited: dropped at once, or kept in a local of which nothing awaitable is used. So are dropped
/// tasks of a consecutor and a supervisor.
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
                if (Starts(call, symbols) && RunUse.IsForgotten(call, uses, symbols))
                    context.ReportDiagnostic(Violation(call.Syntax,
                        (SluiceSymbols.Same(call.TargetMethod.ContainingType, symbols.Pipeline)
                            ? $"The run that '{call.TargetMethod.Name}' starts is never awaited"
                            : $"'{call.TargetMethod.Name}' is not awaited")
                            + ", so its end and its failure go unseen; "
                            + (SluiceSymbols.Same(call.TargetMethod.ReturnType, symbols.Run)
                                ? "use 'await using var run = …' and 'await run.Completion', or return the run to a caller that awaits it"
                                : $"write 'await' before it: 'await {StageText.Short(call.Syntax)}'")));
        }
    }

    /// <summary>
    /// Whether a call returns a run; or a task of a pipeline, a consecutor or a supervisor, outside of async functions, where the compiler
    /// does not report a dropped task (CS4014).
    /// </summary>
    private static bool Starts(IInvocationOperation call, SluiceSymbols symbols)
    {
        if (SluiceSymbols.Same(call.TargetMethod.ReturnType, symbols.Run)) return true;
        return symbols.IsTask(call.TargetMethod.ReturnType)
            && symbols.IsStarted(call.TargetMethod.ContainingType)
            && call.Parent is IExpressionStatementOperation
            && !RunUse.IsInAsyncFunction(call);
    }
}
