namespace Sluice.Generators;

/// <summary>An analyzer of one form of expression as it is written, which may not compile.</summary>
/// <typeparam name="TNode">The form.</typeparam>
public abstract class SyntaxAnalyzer<TNode> : StageAnalyzer
    where TNode : ExpressionSyntax
{
    private readonly SyntaxKind[] kinds;

    private protected SyntaxAnalyzer(SyntaxKind[] kinds, params DiagnosticDescriptor[] rules)
        : base(rules) => this.kinds = kinds;

    private protected sealed override void Register(CompilationStartAnalysisContext start, SluiceSymbols symbols) =>
        start.RegisterSyntaxNodeAction(action => Check((TNode)action.Node, action, symbols), kinds);

    private protected abstract void Check(TNode node, SyntaxNodeAnalysisContext context, SluiceSymbols symbols);
}
