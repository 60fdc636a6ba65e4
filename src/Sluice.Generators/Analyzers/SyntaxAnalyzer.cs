namespace Sluice.Generators;

/// <summary>The base of analyzers of one syntax node, in code that may not compile.</summary>
/// <typeparam name="TNode">The type of the syntax node.</typeparam>
public abstract class SyntaxAnalyzer<TNode> : StageAnalyzer
    where TNode : ExpressionSyntax
{
    private readonly SyntaxKind[] kinds;

    private protected SyntaxAnalyzer(DiagnosticDescriptor rule, params SyntaxKind[] kinds)
        : base(rule) => this.kinds = kinds;

    private protected sealed override void Register(CompilationStartAnalysisContext start, SluiceSymbols symbols) =>
        start.RegisterSyntaxNodeAction(action => Check((TNode)action.Node, action, symbols), kinds);

    private protected abstract void Check(TNode node, SyntaxNodeAnalysisContext context, SluiceSymbols symbols);
}
