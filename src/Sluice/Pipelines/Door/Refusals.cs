using Sluice.Diagnostics;
using Sluice.Pipelines;

namespace Sluice;

/// <summary>Members that a pipeline deliberately lacks, declared only to explain what to write instead. The compiler refuses every
/// call.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Refusals
{
    /// <summary>Refused: <c>await pipeline</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.AwaitedPipeline, error: true)]
    public static TaskAwaiter<RunSnapshot> GetAwaiter(this Pipeline pipeline) => throw CompileErrors.Refused();

    /// <summary>Refused: <c>await source</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.AwaitedSource, error: true)]
    public static TaskAwaiter<List<T>> GetAwaiter<T>(this Source<T> source) => throw CompileErrors.Refused();

    /// <summary>Refused: <c>source.RunAsync()</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.RunSource, error: true)]
    public static Task<RunSnapshot> RunAsync<T>(this Source<T> source, RunOptions? options = null, CancellationToken cancellation = default)
        => throw CompileErrors.Refused();

    /// <summary>Refused: <c>source.Start()</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.RunSource, error: true)]
    public static PipelineRun Start<T>(this Source<T> source, RunOptions? options = null, CancellationToken cancellation = default)
        => throw CompileErrors.Refused();

    /// <summary>Refused: <c>sink.RunAsync()</c>, <c>sink.Start()</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.RunSink, error: true)]
    public static Task<RunSnapshot> RunAsync<T>(this Sink<T> sink, RunOptions? options = null, CancellationToken cancellation = default)
        => throw CompileErrors.Refused();

    /// <summary>Refused: <c>pipe.RunAsync()</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.RunSink, error: true)]
    public static Task<RunSnapshot> RunAsync<TIn, TOut>(this Pipe<TIn, TOut> pipe, RunOptions? options = null,
        CancellationToken cancellation = default) => throw CompileErrors.Refused();
}
