using Microsoft.CodeAnalysis.Diagnostics;

namespace Sluice.Generators;

/// <summary>What all analyzers share: they look at code that people wrote, and only where Sluice is known.</summary>
public abstract class StageAnalyzer : DiagnosticAnalyzer
{
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
