namespace Sluice;

public static partial class Operators
{
    /// <summary>Drops items until the predicate is false for one; that one and all after it go through.</summary>
    /// <remarks>Behind <see cref="Stage.KeyBy"/>, every key drops for itself. It does not run in parallel and is not retried.</remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="predicate">Not called again once it was false.</param>
    public static Source<T> SkipWhile<T>(this Source<T> source, Func<T, bool> predicate)
        => NotNull(source).Then(new PrefixOperator<T>(NotNull(predicate), letsThrough: false));

    /// <inheritdoc cref="SkipWhile{T}(Source{T}, Func{T, bool})"/>
    public static Pipe<TIn, T> SkipWhile<TIn, T>(this Pipe<TIn, T> pipe, Func<T, bool> predicate)
        => NotNull(pipe).Then(new PrefixOperator<T>(NotNull(predicate), letsThrough: false));
}
