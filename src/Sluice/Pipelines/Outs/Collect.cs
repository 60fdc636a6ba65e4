namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Runs the source to its end, and returns its items. All of them are in memory then.</summary>
    /// <param name="source">The source.</param>
    /// <param name="options">The options of the run; by default multi-threaded.</param>
    /// <param name="cancellation">Cancels the run.</param>
    /// <exception cref="PipelineException">A node failed.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    /// <exception cref="InvalidOperationException"><c>Stage.KeyBy</c> stands at the end of the source.</exception>
    public static async Task<List<T>> ToListAsync<T>(this Source<T> source, RunOptions? options = null,
        CancellationToken cancellation = default)
    {
        List<T> items = [];
        await NotNull(source).To(new ActionSink<T>(items.Add, "fills one list")).RunAsync(options, cancellation).ConfigureAwait(false);
        return items;
    }

    /// <inheritdoc cref="ToListAsync{T}(Source{T}, RunOptions?, CancellationToken)"/>
    public static async Task<T[]> ToArrayAsync<T>(this Source<T> source, RunOptions? options = null,
        CancellationToken cancellation = default)
        => [.. await source.ToListAsync(options, cancellation).ConfigureAwait(false)];

    /// <summary>Runs the source until its first item comes out, and cancels the rest.</summary>
    /// <param name="source">The source.</param>
    /// <param name="options">The options of the run; by default multi-threaded.</param>
    /// <param name="cancellation">Cancels the run.</param>
    /// <exception cref="InvalidOperationException">The source ended without an item.</exception>
    /// <exception cref="PipelineException">A node failed before the first item came out.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public static async Task<T> FirstAsync<T>(this Source<T> source, RunOptions? options = null, CancellationToken cancellation = default)
    {
        // Without Take, a source goes on meanwhile, and what it has put out is gone: lines of a reader that others read on.
        await foreach (T item in source.Take(1).ToAsyncEnumerable(options, cancellation).ConfigureAwait(false)) return item;
        throw new InvalidOperationException("There is no first item: the source ended without any.");
    }
}
