using Sluice.Diagnostics;
using Sluice.Pipelines;

namespace Sluice;

// Members that these types deliberately lack, declared only to explain what to write instead: the compiler refuses every call. Extensions
// would say the same, but the compiler would name them in its errors about other types: 'await 5', 'timer.Start()'.

public abstract partial class Source<T>
{
    /// <summary>Refused: <c>await source</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.AwaitedSource, error: true)]
    public TaskAwaiter<List<T>> GetAwaiter() => throw CompileErrors.Refused();

    /// <summary>Refused: <c>await foreach (var item in source)</c>. A <c>GetEnumerator</c> beside it would let <c>[.. source]</c> compile:
    /// there the compiler does not look at this attribute.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.EnumeratedSource, error: true)]
    public IAsyncEnumerator<T> GetAsyncEnumerator() => throw CompileErrors.Refused();

    /// <summary>Refused: <c>source.RunAsync()</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.RunSource, error: true)]
    public Task<RunSnapshot> RunAsync(RunOptions? options = null, CancellationToken cancellation = default)
        => throw CompileErrors.Refused();

    /// <summary>Refused: <c>source.Start()</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.RunSource, error: true)]
    public PipelineRun Start(RunOptions? options = null, CancellationToken cancellation = default) => throw CompileErrors.Refused();
}

public sealed partial class Pipe<TIn, TOut>
{
    /// <summary>Refused: <c>pipe.RunAsync()</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.RunSink, error: true)]
    public Task<RunSnapshot> RunAsync(RunOptions? options = null, CancellationToken cancellation = default)
        => throw CompileErrors.Refused();
}

public sealed partial class Sink<T>
{
    /// <summary>Refused: <c>sink.RunAsync()</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.RunSink, error: true)]
    public Task<RunSnapshot> RunAsync(RunOptions? options = null, CancellationToken cancellation = default)
        => throw CompileErrors.Refused();
}

public sealed partial class Pipeline
{
    /// <summary>Refused: <c>await pipeline</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.AwaitedPipeline, error: true)]
    public TaskAwaiter<RunSnapshot> GetAwaiter() => throw CompileErrors.Refused();
}
