using System.Collections.Immutable;

namespace Sluice.Generators;

/// <summary>The base of all analyzers: they analyse hand-written code, and only in compilations that reference Sluice.</summary>
public abstract class StageAnalyzer : DiagnosticAnalyzer
{
    private protected StageAnalyzer(params DiagnosticDescriptor[] rules) => SupportedDiagnostics = [.. rules];

    /// <inheritdoc/>
    public sealed override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; }

    /// <inheritdoc/>
    public sealed override void Initialize(AnalysisContext context)
    {
        context.EnableConcurrentExecution();
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.RegisterCompilationStartAction(start =>
        {
            if (SluiceSymbols.Find(start.Compilation) is { } symbols) Register(start, symbols);
        });
    }

    private protected abstract void Register(CompilationStartAnalysisContext start, SluiceSymbols symbols);
}
