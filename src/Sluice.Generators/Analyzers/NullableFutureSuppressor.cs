using System.Collections.Immutable;

namespace Sluice.Generators;

/// <summary>Suppresses CS8620 for a <c>Future&lt;string&gt;</c> where a step takes <c>string?</c>.</summary>
/// <remarks>To the compiler these are different types, as a class might also take values. A future only returns one.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NullableFutureSuppressor : DiagnosticSuppressor
{
    private static readonly SuppressionDescriptor OfArgument = new("SLUS01", "CS8620",
        "A future only gives its value, and what may be null may be given what is not.");

    /// <inheritdoc/>
    public override ImmutableArray<SuppressionDescriptor> SupportedSuppressions => [OfArgument];

    /// <inheritdoc/>
    public override void ReportSuppressions(SuppressionAnalysisContext context)
    {
        foreach (var report in context.ReportedDiagnostics)
        {
            if (report.Location.SourceTree is not { } tree) continue;
            var node = tree.GetRoot(context.CancellationToken).FindNode(report.Location.SourceSpan, getInnermostNodeForTie: true);
            if (node is not ExpressionSyntax argument) continue;
            var model = context.GetSemanticModel(tree);
            var info = model.GetTypeInfo(argument, context.CancellationToken);
            if (info.Type is INamedTypeSymbol given && info.ConvertedType is INamedTypeSymbol
                {
                    Name: "Arg" or "Args" or "NullableArg",
                    ContainingNamespace:
                    {
                        Name: "Graphs", ContainingNamespace:
                        {
                            Name: "Sluice",
                            ContainingNamespace.IsGlobalNamespace: true
                        }
                    }
                }
                && given is { Name: "Future" or "Task" or "ValueTask", Arity: 1 }
                && info.ConvertedType is INamedTypeSymbol { Arity: 1 } taken
                && IsSafe(taken.Name == "Args" ? ElementOf(given.TypeArguments[0]) : given.TypeArguments[0], taken.TypeArguments[0]))
                context.ReportSuppression(Suppression.Create(OfArgument, report));
        }
    }

    /// <summary>Whether the types differ in nothing but that null is allowed where it is taken.</summary>
    private static bool IsSafe(ITypeSymbol? given, ITypeSymbol taken)
        => given is not null && taken.NullableAnnotation == NullableAnnotation.Annotated
            && SymbolEqualityComparer.IncludeNullability.Equals(given.WithNullableAnnotation(NullableAnnotation.None),
                taken.WithNullableAnnotation(NullableAnnotation.None));

    private static ITypeSymbol? ElementOf(ITypeSymbol collection) => collection switch
    {
        IArrayTypeSymbol array => array.ElementType,
        INamedTypeSymbol { Arity: 1 } named => named.TypeArguments[0],
        _ => null,
    };
}
