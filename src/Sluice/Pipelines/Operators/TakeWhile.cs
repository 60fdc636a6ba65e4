namespace Sluice;

public static partial class Operators
{
    /// <summary>Lets items through until the predicate is false for one; that one and what comes after it are counted as skipped, and the sources are told that no more are wanted.</summary>
    /// <remarks>Ends when the sources have ended, which they do at once. Behind <see cref="Stage.KeyBy"/>, every key takes for itself, and the sources go on. It does not run in parallel and is not retried.</remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="predicate">Not called again once it was false.</param>
    public static Source<T> TakeWhile<T>(this Source<T> source, Func<T, bool> predicate)
        => NotNull(source).Then(new PrefixOperator<T>(NotNull(predicate), letsThrough: true));

    /// <inheritdoc cref="TakeWhile{T}(Source{T}, Func{T, bool})"/>
    public static Pipe<TIn, T> TakeWhile<TIn, T>(this Pipe<TIn, T> pipe, Func<T, bool> predicate)
        => NotNull(pipe).Then(new PrefixOperator<T>(NotNull(predicate), letsThrough: true));
}
