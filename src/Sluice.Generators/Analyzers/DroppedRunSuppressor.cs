using System.Collections.Immutable;

namespace Sluice.Generators;

/// <summary>Suppresses CS4014 ("this call is not awaited") for a call that returns a run of a pipeline or a flow.</summary>
/// <remarks>A run has a GetAwaiter only to explain what to write instead, so <c>await</c> is no remedy. SLU005 reports a dropped run of a
/// pipeline; a run of a flow goes on without its handle.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class DroppedRunSuppressor : DiagnosticSuppressor
{
    private static readonly SuppressionDescriptor OfRun = new("SLUS02", "CS4014", "A run goes on by itself, and cannot be awaited.");

    /// <inheritdoc/>
    public override ImmutableArray<SuppressionDescriptor> SupportedSuppressions => [OfRun];

    /// <inheritdoc/>
    public override void ReportSuppressions(SuppressionAnalysisContext context)
    {
        foreach (var report in context.ReportedDiagnostics)
        {
            if (report.Location.SourceTree is not { } tree) continue;
            var call = tree.GetRoot(context.CancellationToken).FindNode(report.Location.SourceSpan, getInnermostNodeForTie: true);
            var type = context.GetSemanticModel(tree).GetTypeInfo(call, context.CancellationToken).Type;
            if (type is { Name: "PipelineRun" or "FlowRun", ContainingAssembly.Name: "Sluice" })
                context.ReportSuppression(Suppression.Create(OfRun, report));
        }
    }
}
