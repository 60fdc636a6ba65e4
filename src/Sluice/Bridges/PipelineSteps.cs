using Sluice.Diagnostics;

namespace Sluice.Graphs;

/// <summary>Pipelines as steps: each call is a run of the pipeline.</summary>
public static class PipelineSteps
{
    /// <summary>Makes a step that runs the pipeline to its end.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="options">The options of the runs; null for the defaults.</param>
    /// <returns>A step whose result is the snapshot of the run. It fails if the run fails; cancelling it cancels the run.</returns>
    public static Step<RunSnapshot> AsStep(this Pipeline pipeline, RunOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        return Step.Of(cancellation => pipeline.RunAsync(options, cancellation)).Named(pipeline.Topology.Name ?? "pipeline");
    }

    /// <summary>Makes a step that runs the source to its end, and returns its items in order.</summary>
    /// <param name="source">The source.</param>
    /// <param name="options">The options of the runs; null for the defaults.</param>
    public static Step<T[]> AsStep<T>(this Source<T> source, RunOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Step.Of(async cancellation => (await source.ToListAsync(options, cancellation)).ToArray())
            .Named(source.Topology.Name ?? "source");
    }

    /// <summary>Makes a step that sends the items of an array through the pipe, and returns the results in order.</summary>
    /// <param name="pipe">The pipe.</param>
    /// <param name="options">The options of the runs; null for the defaults.</param>
    public static Step<TIn[], TOut[]> AsStep<TIn, TOut>(this Pipe<TIn, TOut> pipe, RunOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(pipe);
        return Step.Of(async (TIn[] items, CancellationToken cancellation) =>
            (await (Source.From(items) | pipe).ToListAsync(options, cancellation)).ToArray()).Named(pipe.Topology.Name ?? "pipe");
    }
}
