namespace Sluice;

/// <summary>Pipelines as steps: a call is a run of its own.</summary>
public static class PipelineSteps
{
    /// <summary>A step that runs the pipeline to its end.</summary>
    /// <param name="pipeline">What each call runs.</param>
    /// <param name="options">How; the defaults unless given.</param>
    /// <returns>Its result is the snapshot of the run; it fails as the run does, and cancels the run when it is cancelled.</returns>
    public static Step<RunSnapshot> AsStep(this Pipeline pipeline, RunOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        return Step.Of(cancellation => pipeline.RunAsync(options, cancellation)).Named(pipeline.Topology.Name ?? "pipeline");
    }

    /// <summary>A step that collects what comes out of the source, in order.</summary>
    /// <param name="source">What each call runs to its end.</param>
    /// <param name="options">How; the defaults unless given.</param>
    public static Step<T[]> AsStep<T>(this Source<T> source, RunOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Step.Of(async cancellation => (await source.ToListAsync(options, cancellation)).ToArray()).Named(source.Topology.Name ?? "source");
    }

    /// <summary>A step that sends the items of an array through the pipe, and collects what comes out, in order.</summary>
    /// <param name="pipe">What each call runs with its items.</param>
    /// <param name="options">How; the defaults unless given.</param>
    public static Step<TIn[], TOut[]> AsStep<TIn, TOut>(this Pipe<TIn, TOut> pipe, RunOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(pipe);
        return Step.Of(async (TIn[] items, CancellationToken cancellation) => (await (Source.From(items) | pipe).ToListAsync(options, cancellation)).ToArray()).Named(pipe.Topology.Name ?? "pipe");
    }
}
