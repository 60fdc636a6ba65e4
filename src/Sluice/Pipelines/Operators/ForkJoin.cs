namespace Sluice;

public static partial class Operators
{
    /// <summary>Gives every item to two branches, and makes one item of what both have made of it, when both have done with it: of none, one or many outputs of each.</summary>
    /// <remarks>
    /// <para>A fork and a join by the item: for each item that comes, <paramref name="join"/> is called exactly once, also when a branch has filtered everything. What it returns takes the item's place: it is the same root item.
    /// In a consecutor an item has ended when that has; nothing is stored, as an item that was under way in a crash runs again as a whole.</para>
    /// <para>Results have the order of the items, whatever the branches do, unless there is something in a branch that is <see cref="Stage.KeyBy"/> or unordered: then they come as they are ready. Outputs of one branch are in the order in which they came.
    /// Branches run as those of a broadcast do: begin one with a buffer, or annotate its stages with <see cref="Stage.Parallel"/>, to let it work by itself. At most <see cref="RunOptions.MaxBufferedItems"/> items are in such branches at a time.</para>
    /// <para>An item that fails in a branch fails as a whole, and there is no join for it: what the branch's stage says is done with it (<see cref="Stage.OnError"/>), in a consecutor it is tried again from the start, and its dead letter holds what was accepted.
    /// One that a stage skips is treated as filtered: the join is called with what there is, and the item counts as failed in the books, as it does elsewhere.
    /// A branch that wants no more (<c>Take</c>) gets nothing more; the items go on without it.</para>
    /// <para>In a branch there must be nothing that holds or combines items, nor another source: what comes out of these is no part of one item. That is an <see cref="InvalidTopologyException"/> when the pipeline is started or drawn. What a node puts out at its end fails.</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TFirst">The type of what comes out of the first branch.</typeparam>
    /// <typeparam name="TSecond">The type of what comes out of the second branch.</typeparam>
    /// <typeparam name="TOut">The type of the results.</typeparam>
    /// <param name="source">What comes.</param>
    /// <param name="first">A branch.</param>
    /// <param name="second">Another one.</param>
    /// <param name="join">Makes the result of the item and of what came out of the branches; never called twice at the same time. The lists may be kept.</param>
    /// <returns>The results, one for each item that has not failed.</returns>
    public static Source<TOut> ForkJoin<T, TFirst, TSecond, TOut>(
        this Source<T> source, Func<Source<T>, Source<TFirst>> first, Func<Source<T>, Source<TSecond>> second, Func<T, IReadOnlyList<TFirst>, IReadOnlyList<TSecond>, TOut> join)
    {
        NotNull(join);
        return NotNull(source).Fork([Forked(first), Forked(second)], fork => join(fork.Item, fork.Take<TFirst>(0), fork.Take<TSecond>(1)), join);
    }

    /// <summary>The same with three branches.</summary>
    /// <inheritdoc cref="ForkJoin{T, TFirst, TSecond, TOut}(Source{T}, Func{Source{T}, Source{TFirst}}, Func{Source{T}, Source{TSecond}}, Func{T, IReadOnlyList{TFirst}, IReadOnlyList{TSecond}, TOut})"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TFirst">The type of what comes out of the first branch.</typeparam>
    /// <typeparam name="TSecond">The type of what comes out of the second branch.</typeparam>
    /// <typeparam name="TThird">The type of what comes out of the third branch.</typeparam>
    /// <typeparam name="TOut">The type of the results.</typeparam>
    /// <param name="source">What comes.</param>
    /// <param name="first">A branch.</param>
    /// <param name="second">Another one.</param>
    /// <param name="third">The third one.</param>
    /// <param name="join">Makes the result of the item and of what came out of the branches; never called twice at the same time. The lists may be kept.</param>
    public static Source<TOut> ForkJoin<T, TFirst, TSecond, TThird, TOut>(
        this Source<T> source, Func<Source<T>, Source<TFirst>> first, Func<Source<T>, Source<TSecond>> second, Func<Source<T>, Source<TThird>> third,
        Func<T, IReadOnlyList<TFirst>, IReadOnlyList<TSecond>, IReadOnlyList<TThird>, TOut> join)
    {
        NotNull(join);
        return NotNull(source).Fork(
            [Forked(first), Forked(second), Forked(third)], fork => join(fork.Item, fork.Take<TFirst>(0), fork.Take<TSecond>(1), fork.Take<TThird>(2)), join);
    }

    /// <summary>The same with any number of branches of one type.</summary>
    /// <inheritdoc cref="ForkJoin{T, TFirst, TSecond, TOut}(Source{T}, Func{Source{T}, Source{TFirst}}, Func{Source{T}, Source{TSecond}}, Func{T, IReadOnlyList{TFirst}, IReadOnlyList{TSecond}, TOut})"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TPart">The type of what comes out of the branches.</typeparam>
    /// <typeparam name="TOut">The type of the results.</typeparam>
    /// <param name="source">What comes.</param>
    /// <param name="branches">At least one.</param>
    /// <param name="join">Makes the result of the item and of what came out of each branch, in the order of the branches; never called twice at the same time. The lists may be kept.</param>
    /// <exception cref="ArgumentException">There is no branch.</exception>
    public static Source<TOut> ForkJoin<T, TPart, TOut>(
        this Source<T> source, IReadOnlyList<Func<Source<T>, Source<TPart>>> branches, Func<T, IReadOnlyList<IReadOnlyList<TPart>>, TOut> join)
    {
        NotNull(join);
        ForkBranch<T>[] forked = [.. NotNull(branches).Select(Forked)];
        if (forked.Length == 0) throw new ArgumentException("A fork-join without branches has nothing to join.", nameof(branches));
        return NotNull(source).Fork(forked, Join, join);

        TOut Join(Fork<T> fork)
        {
            var parts = new IReadOnlyList<TPart>[forked.Length];
            for (int i = 0; i < parts.Length; i++) parts[i] = fork.Take<TPart>(i);
            return join(fork.Item, parts);
        }
    }

    /// <inheritdoc cref="ForkJoin{T, TFirst, TSecond, TOut}(Source{T}, Func{Source{T}, Source{TFirst}}, Func{Source{T}, Source{TSecond}}, Func{T, IReadOnlyList{TFirst}, IReadOnlyList{TSecond}, TOut})"/>
    /// <typeparam name="TIn">The type of what goes into the pipe.</typeparam>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TFirst">The type of what comes out of the first branch.</typeparam>
    /// <typeparam name="TSecond">The type of what comes out of the second branch.</typeparam>
    /// <typeparam name="TOut">The type of the results.</typeparam>
    /// <param name="pipe">What comes.</param>
    /// <param name="first">A branch.</param>
    /// <param name="second">Another one.</param>
    /// <param name="join">Makes the result of the item and of what came out of the branches; never called twice at the same time. The lists may be kept.</param>
    public static Pipe<TIn, TOut> ForkJoin<TIn, T, TFirst, TSecond, TOut>(
        this Pipe<TIn, T> pipe, Func<Source<T>, Source<TFirst>> first, Func<Source<T>, Source<TSecond>> second, Func<T, IReadOnlyList<TFirst>, IReadOnlyList<TSecond>, TOut> join)
        => NotNull(pipe).Then(source => source.ForkJoin(first, second, join));

    /// <inheritdoc cref="ForkJoin{T, TFirst, TSecond, TThird, TOut}(Source{T}, Func{Source{T}, Source{TFirst}}, Func{Source{T}, Source{TSecond}}, Func{Source{T}, Source{TThird}}, Func{T, IReadOnlyList{TFirst}, IReadOnlyList{TSecond}, IReadOnlyList{TThird}, TOut})"/>
    /// <typeparam name="TIn">The type of what goes into the pipe.</typeparam>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TFirst">The type of what comes out of the first branch.</typeparam>
    /// <typeparam name="TSecond">The type of what comes out of the second branch.</typeparam>
    /// <typeparam name="TThird">The type of what comes out of the third branch.</typeparam>
    /// <typeparam name="TOut">The type of the results.</typeparam>
    /// <param name="pipe">What comes.</param>
    /// <param name="first">A branch.</param>
    /// <param name="second">Another one.</param>
    /// <param name="third">The third one.</param>
    /// <param name="join">Makes the result of the item and of what came out of the branches; never called twice at the same time. The lists may be kept.</param>
    public static Pipe<TIn, TOut> ForkJoin<TIn, T, TFirst, TSecond, TThird, TOut>(
        this Pipe<TIn, T> pipe, Func<Source<T>, Source<TFirst>> first, Func<Source<T>, Source<TSecond>> second, Func<Source<T>, Source<TThird>> third,
        Func<T, IReadOnlyList<TFirst>, IReadOnlyList<TSecond>, IReadOnlyList<TThird>, TOut> join)
        => NotNull(pipe).Then(source => source.ForkJoin(first, second, third, join));

    /// <inheritdoc cref="ForkJoin{T, TPart, TOut}(Source{T}, IReadOnlyList{Func{Source{T}, Source{TPart}}}, Func{T, IReadOnlyList{IReadOnlyList{TPart}}, TOut})"/>
    /// <typeparam name="TIn">The type of what goes into the pipe.</typeparam>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TPart">The type of what comes out of the branches.</typeparam>
    /// <typeparam name="TOut">The type of the results.</typeparam>
    /// <param name="pipe">What comes.</param>
    /// <param name="branches">At least one.</param>
    /// <param name="join">Makes the result of the item and of what came out of each branch, in the order of the branches; never called twice at the same time. The lists may be kept.</param>
    public static Pipe<TIn, TOut> ForkJoin<TIn, T, TPart, TOut>(
        this Pipe<TIn, T> pipe, IReadOnlyList<Func<Source<T>, Source<TPart>>> branches, Func<T, IReadOnlyList<IReadOnlyList<TPart>>, TOut> join)
        => NotNull(pipe).Then(source => source.ForkJoin(branches, join));

    private static ForkBranch<T> Forked<T, TPart>(Func<Source<T>, Source<TPart>> branch) => new ForkBranch<T, TPart>(Pipe<T, TPart>.Of(branch));

    private static ForkJoinSource<T, TOut> Fork<T, TOut>(this Source<T> source, ForkBranch<T>[] branches, Func<Fork<T>, TOut> join, Delegate function)
        => new(source, branches, join, function, StageOptions.Default);
}
