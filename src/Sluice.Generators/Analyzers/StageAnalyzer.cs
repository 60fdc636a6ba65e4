using System.Collections.Immutable;

namespace Sluice.Generators;

/// <summary>What all analyzers share: they look at code that people wrote, and only where Sluice is known.</summary>
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
