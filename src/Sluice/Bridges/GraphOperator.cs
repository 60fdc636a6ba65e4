using Sluice.Graphs;

namespace Sluice.Bridges;

/// <summary>Makes operators from graphs.</summary>
internal static class GraphOperator
{
    public static GraphOperator<TRequest> Of<TRequest>(Graph<TRequest> graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return new(graph);
    }
}

/// <summary>The operator that resolves a graph for each item; an asynchronous map, named after the graph.</summary>
internal sealed class GraphOperator<TRequest>(Graph<TRequest> graph)
    : SelectAsyncOperator<TRequest, GraphContext<TRequest>>(graph.ResolveAsync, null)
{
    public override string Kind => "graph";

    public override string? Hint => graph.Topology.Name;
}
