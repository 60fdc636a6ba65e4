using Sluice.Pipelines;

namespace Sluice;

// Branches and joins as parts that fit into a chain. Routes are Route.By: a method Pipe.Route would hide that name behind `using static
// Sluice.Pipe`.
public static partial class Pipe
{
    /// <summary>Merges several pipes into one: every item goes into each pipe, and their outputs are merged.
    /// <c>Pipe.Merge(branch1, branch2) | Save</c> equals <c>[branch1, branch2]</c> behind a source.</summary>
    /// <remarks>Branches get an item in the order written. To merge sources, use <see cref="Source.Merge{T}(Source{T}[])"/>.</remarks>
    /// <param name="branches">At least one.</param>
    /// <exception cref="ArgumentException">There is no branch.</exception>
    public static Pipe<TIn, TOut> Merge<TIn, TOut>(params Pipe<TIn, TOut>[] branches) => Of<TIn>().Broadcast(branches);

    /// <summary>Refused: <c>Pipe.Merge(source, source)</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.MergedSources, error: true)]
    public static Source<T> Merge<T>(params Source<T>[] sources) => throw CompileErrors.Refused();

    /// <summary>Gives each item to the next of several pipes in turn, and merges their outputs.</summary>
    /// <param name="branches">At least one.</param>
    /// <exception cref="ArgumentException">There is no branch.</exception>
    public static Pipe<TIn, TOut> RoundRobin<TIn, TOut>(params Pipe<TIn, TOut>[] branches)
        => Of<TIn>().Then(source => source.Fan(new RoundRobinOperator<TIn>(), Branch.Unnamed(NotNull(branches))));

    /// <summary>Pairs items with the items of another source that have the same key: <c>orders | Pipe.Join(prices, (Order order) =>
    /// order.Item, price => price.Item, (order, price) => …)</c>.</summary>
    /// <param name="right">The other source.</param>
    /// <param name="leftKey">The key of an item of the pipe; a lambda states the type of its parameter.</param>
    /// <param name="rightKey">The key of an item of the other source.</param>
    /// <param name="function">Makes an item from a pair.</param>
    /// <param name="within">The time that an item waits for partners: more than zero, at most 36,500 days; no limit by default.</param>
    /// <param name="maxHeld">The number of items held of each side, 1 or more.</param>
    /// <remarks>See
    /// <see cref="SourceExtensions.Join{TLeft, TRight, TKey, TOut}(Source{TLeft}, Source{TRight}, Func{TLeft, TKey}, Func{TRight, TKey}, Func{TLeft, TRight, TOut}, TimeSpan?, int)"/>.</remarks>
    public static Pipe<TLeft, TOut> Join<TLeft, TRight, TKey, TOut>(
        Source<TRight> right, Func<TLeft, TKey> leftKey, Func<TRight, TKey> rightKey, Func<TLeft, TRight, TOut> function,
            TimeSpan? within = null, int maxHeld = 100_000) where TKey : notnull
        => Of<TLeft>().Join(right, leftKey, rightKey, function, within, maxHeld);

    /// <summary>Pairs the first item with the first item of another source, the second with the second, and so on:
    /// <c>numbers | Pipe.Zip(words, (int n, string word) => …)</c>.</summary>
    /// <param name="right">The other source.</param>
    /// <param name="function">Makes an item from a pair; a lambda states the types of its parameters.</param>
    public static Pipe<TLeft, TOut> Zip<TLeft, TRight, TOut>(Source<TRight> right, Func<TLeft, TRight, TOut> function)
        => Of<TLeft>().Zip(right, function);

    private static T NotNull<T>(T given, [CallerArgumentExpression(nameof(given))] string? name = null) where T : class
        => given ?? throw new ArgumentNullException(name);
}
