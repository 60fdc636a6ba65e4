namespace Sluice.Generators;

/// <summary>SLU036: the function of a node asks the context for a node that is neither one of its parents nor an ancestor.</summary>
/// <remarks>The other node may have ended when it asks, or not: the graph works or fails by luck.</remarks>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class MissingParentAnalyzer() : OperationAnalyzer(Rules.MissingParent, OperationKind.Invocation)
{
    private protected override void Check(OperationAnalysisContext context, SluiceSymbols symbols)
    {
        var asks = (IInvocationOperation)context.Operation;
        if (asks.TargetMethod is not { Name: "Get" or "Outcome", ContainingType.Name: "GraphContext" }
            || !symbols.IsOurs(asks.TargetMethod.ContainingType) || asks.Arguments.Length != 1
            || asks.Instance is not IParameterReferenceOperation { Parameter: var given }
            || GraphNodeUse.Of(asks.Arguments[0].Value) is not { } node || AddsWith(given, asks) is not { } adds) return;
        if (!new GraphNodeUse(adds).Lacks(adds, node, out string? parents)) return;
        context.ReportDiagnostic(Violation(asks.Arguments[0].Value.Syntax,
            $"'{node.Name}' is no parent of this node, nor an ancestor, and may not have ended when it asks: write it into the list of the "
                + $"parents, {parents}"));
    }

    /// <summary>The call of Add whose function has the parameter; null if there is none around it.</summary>
    private static IInvocationOperation? AddsWith(IParameterSymbol context, IOperation within)
    {
        for (var around = within.Parent; around is not null; around = around.Parent)
        {
            if (around is not IAnonymousFunctionOperation function
                || !SluiceSymbols.Same(function.Symbol, context.ContainingSymbol)) continue;
            for (var outer = function.Parent; outer is IDelegateCreationOperation or IConversionOperation or IArgumentOperation
                 or IParenthesizedOperation or IInvocationOperation; outer = outer.Parent)
                if (outer is IInvocationOperation call) return GraphNodeUse.IsAdd(call) ? call : null;
            return null;
        }
        return null;
    }
}
