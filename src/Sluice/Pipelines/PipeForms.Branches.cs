using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Sluice;

// Branches, and what brings sources together, as pieces that fit into a chain. Routes are Route.By: a method Pipe.Route would hide that name behind `using static Sluice.Pipe`.
public static partial class Pipe
{
    /// <summary>Several pipes as one: every item goes into each of them, and what comes out of them is merged. <c>Pipe.Merge(branch1, branch2) | Save</c> is what <c>[branch1, branch2]</c> is behind a source.</summary>
    /// <remarks>In the order written, as all branches. Sources are merged by <see cref="Source.Merge{T}(Source{T}[])"/>.</remarks>
    /// <param name="branches">At least one.</param>
    /// <exception cref="ArgumentException">None.</exception>
    public static Pipe<TIn, TOut> Merge<TIn, TOut>(params Pipe<TIn, TOut>[] branches) => Of<TIn>().Broadcast(branches);

    /// <summary>Refused: <c>Pipe.Merge(source, source)</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.MergedSources, error: true)]
    public static Source<T> Merge<T>(params Source<T>[] sources) => throw CompileErrors.Refused();

    /// <summary>Each item to the next of several pipes in turn; what comes out of them is merged.</summary>
    /// <param name="branches">At least one.</param>
    /// <exception cref="ArgumentException">None.</exception>
    public static Pipe<TIn, TOut> RoundRobin<TIn, TOut>(params Pipe<TIn, TOut>[] branches) => Of<TIn>().Then(source => source.Fan(new RoundRobinOperator<TIn>(), Branch.Unnamed(NotNull(branches))));

    /// <summary>Pairs items that have the same key with those of another source: <c>orders | Pipe.Join(prices, (Order order) => order.Item, price => price.Item, (order, price) => …)</c>.</summary>
    /// <param name="right">The other source.</param>
    /// <param name="leftKey">The key of an item that comes here; a lambda states the type of its parameter.</param>
    /// <param name="rightKey">The key of an item of the other source.</param>
    /// <param name="function">Makes an item of a pair.</param>
    /// <param name="within">How long an item waits for partners: more than zero, at most 36,500 days; no limit unless given.</param>
    /// <param name="maxHeld">How many items of each side are held, 1 or more.</param>
    /// <remarks>See <see cref="Operators.Join{TLeft, TRight, TKey, TOut}(Source{TLeft}, Source{TRight}, Func{TLeft, TKey}, Func{TRight, TKey}, Func{TLeft, TRight, TOut}, TimeSpan?, int)"/>.</remarks>
    public static Pipe<TLeft, TOut> Join<TLeft, TRight, TKey, TOut>(
        Source<TRight> right, Func<TLeft, TKey> leftKey, Func<TRight, TKey> rightKey, Func<TLeft, TRight, TOut> function, TimeSpan? within = null, int maxHeld = 100_000) where TKey : notnull
        => Of<TLeft>().Join(right, leftKey, rightKey, function, within, maxHeld);

    /// <summary>The first item with the first one of another source, and so on: <c>numbers | Pipe.Zip(words, (int n, string word) => …)</c>.</summary>
    /// <param name="right">The other source.</param>
    /// <param name="function">Makes an item of a pair; a lambda states the types of its parameters.</param>
    public static Pipe<TLeft, TOut> Zip<TLeft, TRight, TOut>(Source<TRight> right, Func<TLeft, TRight, TOut> function) => Of<TLeft>().Zip(right, function);

    private static T NotNull<T>(T given, [CallerArgumentExpression(nameof(given))] string? name = null) where T : class => given ?? throw new ArgumentNullException(name);
}
