using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Drops items until the predicate is false for one; that item and all later items go through.</summary>
    /// <remarks>Behind <see cref="Stage.KeyBy"/>, every key drops for itself. It does not run in parallel and is not retried.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="predicate">Called with each item until it returns false, and not again.</param>
    [AlsoForPipes]
    public static Source<T> SkipWhile<T>(this Source<T> source, Func<T, bool> predicate)
        => NotNull(source).Then(new PrefixOperator<T>(NotNull(predicate), letsThrough: false));
}
