using System.Threading.Channels;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Returns the items as an asynchronous sequence. Every enumeration is a run of its own; leaving the enumeration early cancels
    /// that run.</summary>
    /// <remarks>The run works ahead of the reader by up to <see cref="RunOptions.MaxBufferedItems"/> items, and then waits for
    /// it.</remarks>
    /// <param name="source">The source.</param>
    /// <param name="options">The options of the run; by default multi-threaded.</param>
    /// <param name="cancellation">Cancels the run.</param>
    /// <exception cref="ArgumentException">The options name outputs but have no <c>OnStarted</c>, so that no caller has the run to read
    /// them from.</exception>
    /// <exception cref="PipelineException">A node failed; thrown after the items that came out before.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public static IAsyncEnumerable<T> ToAsyncEnumerable<T>(this Source<T> source, RunOptions? options = null,
        CancellationToken cancellation = default)
        => EnumerateAsync(NotNull(source), RunOptions.OfHiddenRun(options ?? new()), cancellation);

    private static async IAsyncEnumerable<T> EnumerateAsync<T>(
        Source<T> source, RunOptions options, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var items = Channel.CreateBounded<T>(new BoundedChannelOptions(options.MaxBufferedItems) { SingleReader = true });
        PipelineRun run = source.ToChannel(items.Writer).Start(options, cancellation);
        await using (run.ConfigureAwait(false))
        {
            try
            {
                while (true)
                {
                    try
                    {
                        if (!await items.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false)) break;
                    }
                    catch (Exception)
                    {
                        await run.Completion.ConfigureAwait(false);      // throws the same; if nothing asks, a warning says so
                        throw;
                    }
                    while (items.Reader.TryRead(out T? item)) yield return item;
                }
                await run.Completion.ConfigureAwait(false);
            }
            finally
            {
                run.Cancel();                        // who leaves early means it: no warning
            }
        }
    }
}
