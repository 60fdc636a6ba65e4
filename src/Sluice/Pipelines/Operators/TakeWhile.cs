using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Lets items through until the predicate is false for one. That item and later items are counted as skipped, and the sources
    /// are told to stop.</summary>
    /// <remarks>Ends when the sources have ended, which they do at once. Behind <see cref="Stage.KeyBy"/>, every key takes for itself, and
    /// the sources go on. It does not run in parallel and is not retried.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="predicate">Called with each item until it returns false, and not again.</param>
    [AlsoForPipes]
    public static Source<T> TakeWhile<T>(this Source<T> source, Func<T, bool> predicate)
        => NotNull(source).Then(new PrefixOperator<T>(NotNull(predicate), letsThrough: true));
}
