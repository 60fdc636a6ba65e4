namespace Sluice;

/// <summary>Makes stages of graphs.</summary>
internal static class GraphOperator
{
    public static GraphOperator<TRequest> Of<TRequest>(Graph<TRequest> graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return new(graph);
    }
}

/// <summary>An asynchronous map that resolves a graph: named after the graph, where that has a name.</summary>
internal sealed class GraphOperator<TRequest>(Graph<TRequest> graph) : SelectAsyncOperator<TRequest, GraphContext<TRequest>>(graph.ResolveAsync, null)
{
    public override string Kind => "graph";

    public override string? Hint => graph.Topology.Name;
}
