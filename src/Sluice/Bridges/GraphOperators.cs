using Sluice.Bridges;
using Sluice.Graphs;

namespace Sluice;

/// <summary>Graphs as stages of pipelines: <c>requests | graph</c> resolves the graph for each item.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class GraphOperators
{
    extension<TRequest>(Source<TRequest>)
    {
        /// <summary>Adds a stage that resolves the graph for each item, and puts out the context of each resolve, in order.</summary>
        /// <remarks>
        /// One resolve runs at a time; with <c>| Stage.Parallel(64)</c> behind it, up to 64, still in order.
        /// A failed resolve is a failure of the stage, to which <c>| Stage.Retry(…)</c> and other policies apply.
        /// </remarks>
        public static Source<GraphContext<TRequest>> operator |(Source<TRequest> requests, Graph<TRequest> graph)
        {
            ArgumentNullException.ThrowIfNull(requests);
            return requests.Then(GraphOperator.Of(graph));
        }
    }

    extension<TIn, TRequest>(Pipe<TIn, TRequest>)
    {
        /// <summary>
        /// Adds a stage that resolves the graph for each item, and puts out the context of each resolve, in order. One at a time, unless
        /// <c>| Stage.Parallel(64)</c> is behind it.
        /// </summary>
        public static Pipe<TIn, GraphContext<TRequest>> operator |(Pipe<TIn, TRequest> requests, Graph<TRequest> graph)
        {
            ArgumentNullException.ThrowIfNull(requests);
            return requests.Then(GraphOperator.Of(graph));
        }
    }
}
