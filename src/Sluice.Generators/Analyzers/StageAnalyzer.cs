using System.Collections.Immutable;

namespace Sluice.Generators;

/// <summary>The base of all analyzers: each has one rule, analyses hand-written code, and only in compilations that reference
/// Sluice.</summary>
public abstract class StageAnalyzer : DiagnosticAnalyzer
{
    private readonly DiagnosticDescriptor rule;

    private protected StageAnalyzer(DiagnosticDescriptor rule) => (this.rule, SupportedDiagnostics) = (rule, [rule]);

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

    /// <summary>A violation of the rule.</summary>
    private protected Diagnostic Violation(SyntaxNode at, string message, params Location[] others)
        => Diagnostic.Create(rule, at.GetLocation(), others, message);
}
