namespace Sluice.Generators;

/// <summary>The base of analyzers of operations of some kinds. Of calls and operators that do not compile there is only <see cref="OperationKind.Invalid"/>.</summary>
public abstract class OperationAnalyzer : StageAnalyzer
{
    private readonly OperationKind[] kinds;

    private protected OperationAnalyzer(DiagnosticDescriptor rule, params OperationKind[] kinds)
        : base(rule) => this.kinds = kinds;

    private protected sealed override void Register(CompilationStartAnalysisContext start, SluiceSymbols symbols) =>
        start.RegisterOperationAction(action => Check(action, symbols), kinds);

    private protected abstract void Check(OperationAnalysisContext context, SluiceSymbols symbols);
}
