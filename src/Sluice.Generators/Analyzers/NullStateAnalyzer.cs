namespace Sluice.Generators;

/// <summary>
/// SLU032: a node whose state begins as null. <c>StatefulStageNode&lt;Order, Order, List&lt;int&gt;&gt;</c> promises a list, but without
/// <c>InitialState</c> the first item of each key finds null, and fails with a <see cref="System.NullReferenceException"/>.
/// </summary>
/// <remarks>Not reported if the state may be null by its type (<c>List&lt;int&gt;?</c>), or in code without nullable types.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class NullStateAnalyzer() : StageAnalyzer(Rules.NullState)
{
    private const string Beginning = "InitialState";

    private protected override void Register(CompilationStartAnalysisContext start, SluiceSymbols symbols)
    {
        if (start.Compilation.GetTypeByMetadataName("Sluice.StatefulStageNode`3") is { } node)
            start.RegisterSymbolAction(action => Check(action, node), SymbolKind.NamedType);
    }

    private static void Check(SymbolAnalysisContext context, INamedTypeSymbol node)
    {
        var type = (INamedTypeSymbol)context.Symbol;
        if (type.IsAbstract || type.TypeKind != TypeKind.Class) return;
        for (var candidate = type; candidate is not null; candidate = candidate.BaseType)
        {
            if (SluiceSymbols.Same(node, candidate.OriginalDefinition))
            {
                Report(candidate.TypeArguments[candidate.TypeArguments.Length - 1]);
                return;
            }
            if (candidate.GetMembers(Beginning).OfType<IMethodSymbol>().Any(method => method.IsOverride)) return;
        }

        void Report(ITypeSymbol state)
        {
            if (state is not { IsReferenceType: true, NullableAnnotation: NullableAnnotation.NotAnnotated }) return;
            if (type.DeclaringSyntaxReferences[0].GetSyntax(context.CancellationToken) is not TypeDeclarationSyntax written) return;
            string name = state.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);
            context.ReportDiagnostic(Diagnostic.Create(Rules.NullState, written.Identifier.GetLocation(),
                $"The state of a key begins as null, although its type is '{name}'. Give it a beginning: 'protected override {name} "
                    + $"{Beginning}(string key) => …'; or, if null is meant, let the state be a '{name}?'"));
        }
    }
}
