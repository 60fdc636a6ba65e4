using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Topologies;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Gives every item to two branches, and joins their outputs into one item when both branches have completed it. A branch may
    /// put out no items, one or many.</summary>
    /// <remarks><para>For each item that does not fail, <paramref name="join"/> is called exactly once, also when a branch has filtered
    /// everything. Its result takes the item's place: it is the same root item. In a consecutor, the item is complete when the result is
    /// complete. Nothing is stored: after a crash, an item in flight runs again as a whole.</para>
    /// <para>Results keep the order of the items, unless a branch has <see cref="Stage.KeyBy"/> or an unordered stage: then they come out
    /// as they are ready. Outputs of one branch keep their order. Branches run as in a broadcast: to let a branch run on its own, start it
    /// with a buffer, or annotate its stages with <see cref="Stage.Parallel"/>. Such branches hold at most
    /// <see cref="RunOptions.MaxBufferedItems"/> items at a time.</para>
    /// <para>An item that fails in a branch fails as a whole and is not joined. The policy of the failing stage applies
    /// (<see cref="Stage.OnError"/>); in a consecutor the item is tried again from the start, and its dead letter has the accepted item. An
    /// item that a stage skips counts as filtered there: the join is called with the other outputs, and the item counts as failed in the
    /// statistics, as elsewhere. A branch that wants no more items (<c>Take</c>) gets none; the items go on without it.</para>
    /// <para>A branch must have no stage that holds or combines items, and no other source: their outputs belong to no single item.
    /// Otherwise an <see cref="InvalidTopologyException"/> is thrown when the pipeline is started or drawn. Items that a node puts out at
    /// its end fail.</para></remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TFirst">The type of the outputs of the first branch.</typeparam>
    /// <typeparam name="TSecond">The type of the outputs of the second branch.</typeparam>
    /// <typeparam name="TOut">The type of the results.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="first">The first branch.</param>
    /// <param name="second">The second branch.</param>
    /// <param name="join">Makes the result from the item and the outputs of the branches; calls never overlap. The lists may be
    /// kept.</param>
    /// <returns>The results, one for each item that has not failed.</returns>
    [AlsoForPipes]
    public static Source<TOut> ForkJoin<T, TFirst, TSecond, TOut>(
        this Source<T> source, Func<Source<T>, Source<TFirst>> first, Func<Source<T>, Source<TSecond>> second,
            Func<T, IReadOnlyList<TFirst>, IReadOnlyList<TSecond>, TOut> join)
    {
        NotNull(join);
        return NotNull(source).Fork([Forked(first), Forked(second)], fork => join(fork.Item, fork.Take<TFirst>(0), fork.Take<TSecond>(1)),
            join);
    }

    /// <summary>Gives every item to three branches, and joins their outputs into one item.</summary>
    /// <inheritdoc cref="ForkJoin{T, TFirst, TSecond, TOut}(Source{T}, Func{Source{T}, Source{TFirst}}, Func{Source{T}, Source{TSecond}}, Func{T, IReadOnlyList{TFirst}, IReadOnlyList{TSecond}, TOut})"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TFirst">The type of the outputs of the first branch.</typeparam>
    /// <typeparam name="TSecond">The type of the outputs of the second branch.</typeparam>
    /// <typeparam name="TThird">The type of the outputs of the third branch.</typeparam>
    /// <typeparam name="TOut">The type of the results.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="first">The first branch.</param>
    /// <param name="second">The second branch.</param>
    /// <param name="third">The third branch.</param>
    /// <param name="join">Makes the result from the item and the outputs of the branches; calls never overlap. The lists may be
    /// kept.</param>
    [AlsoForPipes]
    public static Source<TOut> ForkJoin<T, TFirst, TSecond, TThird, TOut>(
        this Source<T> source, Func<Source<T>, Source<TFirst>> first, Func<Source<T>, Source<TSecond>> second,
            Func<Source<T>, Source<TThird>> third,
        Func<T, IReadOnlyList<TFirst>, IReadOnlyList<TSecond>, IReadOnlyList<TThird>, TOut> join)
    {
        NotNull(join);
        return NotNull(source).Fork(
            [Forked(first), Forked(second), Forked(third)],
                fork => join(fork.Item, fork.Take<TFirst>(0), fork.Take<TSecond>(1), fork.Take<TThird>(2)), join);
    }

    /// <summary>Gives every item to any number of branches of one type, and joins their outputs into one item.</summary>
    /// <inheritdoc cref="ForkJoin{T, TFirst, TSecond, TOut}(Source{T}, Func{Source{T}, Source{TFirst}}, Func{Source{T}, Source{TSecond}}, Func{T, IReadOnlyList{TFirst}, IReadOnlyList{TSecond}, TOut})"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TPart">The type of the outputs of the branches.</typeparam>
    /// <typeparam name="TOut">The type of the results.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="branches">At least one branch.</param>
    /// <param name="join">Makes the result from the item and the outputs of each branch, in the order of the branches; calls never overlap.
    /// The lists may be kept.</param>
    /// <exception cref="ArgumentException">There is no branch.</exception>
    [AlsoForPipes]
    public static Source<TOut> ForkJoin<T, TPart, TOut>(
        this Source<T> source, IReadOnlyList<Func<Source<T>, Source<TPart>>> branches,
            Func<T, IReadOnlyList<IReadOnlyList<TPart>>, TOut> join)
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

    private static ForkBranch<T> Forked<T, TPart>(Func<Source<T>, Source<TPart>> branch)
        => new ForkBranch<T, TPart>(Pipe<T, TPart>.Of(branch));

    private static ForkJoinSource<T, TOut> Fork<T, TOut>(this Source<T> source, ForkBranch<T>[] branches, Func<Fork<T>, TOut> join,
        Delegate function)
        => new(source, branches, join, function, StageOptions.Default);
}
