using System.ComponentModel;

namespace Sluice;

/// <summary>Graphs as stages: <c>requests | graph</c> resolves the graph for every item.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class GraphOperators
{
    extension<TRequest>(Source<TRequest>)
    {
        /// <summary>
        /// Resolves the graph for every item: what comes out is its context. One resolve at a time, unless <c>| Stage.Parallel(64)</c> stands behind it; then in order all
        /// the same. A resolve that fails is a failure of the stage: <c>| Stage.Retry(…)</c> and the like decide what becomes of the item.
        /// </summary>
        public static Source<GraphContext<TRequest>> operator |(Source<TRequest> requests, Graph<TRequest> graph)
        {
            ArgumentNullException.ThrowIfNull(requests);
            return requests.Then(GraphOperator.Of(graph));
        }
    }

    extension<TIn, TRequest>(Pipe<TIn, TRequest>)
    {
        /// <summary>Resolves the graph for every item: what comes out is its context. One resolve at a time, unless <c>| Stage.Parallel(64)</c> stands behind it.</summary>
        public static Pipe<TIn, GraphContext<TRequest>> operator |(Pipe<TIn, TRequest> requests, Graph<TRequest> graph)
        {
            ArgumentNullException.ThrowIfNull(requests);
            return requests.Then(GraphOperator.Of(graph));
        }
    }
}
