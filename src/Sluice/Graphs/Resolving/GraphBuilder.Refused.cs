namespace Sluice.Graphs;

// What a builder deliberately lacks, declared only to explain what to write instead.
public sealed partial class GraphBuilder<TRequest>
{
    private const string IsNoGraph =
        "SLU035: a builder is no graph yet. Build the graph once, 'Graph<Request> graph = builder.Build();', and resolve that for each "
        + "request: 'await graph.ResolveAsync(request)'.";

    /// <summary>Refused: a builder resolves nothing; the result of <see cref="Build"/> does.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(IsNoGraph, error: true)]
    [SuppressMessage("Performance", "CA1822", Justification = "It is called as the method of a graph is.")]
    public ValueTask<GraphContext<TRequest>> ResolveAsync(TRequest request, CancellationToken cancellation = default)
        => throw new NotSupportedException(IsNoGraph);

    /// <inheritdoc cref="ResolveAsync(TRequest, CancellationToken)"/>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(IsNoGraph, error: true)]
    [SuppressMessage("Performance", "CA1822", Justification = "It is called as the method of a graph is.")]
    public ValueTask<T?> ResolveAsync<T>(TRequest request, GraphNode<T> node, CancellationToken cancellation = default)
        => throw new NotSupportedException(IsNoGraph);
}
