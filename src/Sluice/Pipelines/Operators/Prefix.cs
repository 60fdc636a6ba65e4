namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Lets the first items through, and then tells the sources to stop; items that still come are counted as skipped.</summary>
    /// <remarks>Ends when the sources have ended, which they do at once, and when the items between them and here have gone through. A
    /// sequence of <c>SelectMany</c> or <c>SelectManyAsync</c> is not read further. Other stages are not told: a <c>Delay</c> or a
    /// <c>Throttle</c> keeps its times, and a <see cref="StageNode{TIn, TOut}"/> that pushes without end never ends. Behind
    /// <see cref="Stage.KeyBy"/>, every key takes that many, and the sources go on. It does not run in parallel and is not
    /// retried.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="count">The number of items, 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    [AlsoForPipes]
    public static Source<T> Take<T>(this Source<T> source, long count) => NotNull(source).Counted(count, letsThrough: true);

    /// <summary>Lets items through until the predicate is false for one. That item and later items are counted as skipped, and the sources
    /// are told to stop.</summary>
    /// <remarks>Ends as <c>Take</c> does. Behind <see cref="Stage.KeyBy"/>, every key takes for itself, and the sources go on. It
    /// does not run in parallel and is not retried.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="predicate">Called with each item until it returns false, and not again.</param>
    [AlsoForPipes]
    public static Source<T> TakeWhile<T>(this Source<T> source, Func<T, bool> predicate)
        => NotNull(source).Then(new PrefixOperator<T>(NotNull(predicate), letsThrough: true));

    /// <summary>Drops the first items, and lets the rest through.</summary>
    /// <remarks>Behind <see cref="Stage.KeyBy"/>, the first items of every key are dropped. It does not run in parallel and is not
    /// retried.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="count">The number of items to drop, 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    [AlsoForPipes]
    public static Source<T> Skip<T>(this Source<T> source, long count) => NotNull(source).Counted(count, letsThrough: false);

    /// <summary>Drops items until the predicate is false for one; that item and all later items go through.</summary>
    /// <remarks>Behind <see cref="Stage.KeyBy"/>, every key drops for itself. It does not run in parallel and is not retried.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="predicate">Called with each item until it returns false, and not again.</param>
    [AlsoForPipes]
    public static Source<T> SkipWhile<T>(this Source<T> source, Func<T, bool> predicate)
        => NotNull(source).Then(new PrefixOperator<T>(NotNull(predicate), letsThrough: false));

    private static Source<T> Counted<T>(this Source<T> source, long count, bool letsThrough)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return source.Then(new CountedPrefixOperator<T>(count, letsThrough));
    }
}

/// <summary>Splits the items behind a number of them: either the first ones go through, or all later ones.</summary>
internal sealed class CountedPrefixOperator<T>(long count, bool letsThrough) : Operator<T, T>
{
    public override string Kind => letsThrough ? "take" : "skip";

    public override string Stateful => "counts what goes by";

    public override string? StartsAnew => letsThrough ? null : Stateful;     // each run takes so many more, and loses none

    public override Inlet<T> Create(StageContext context, Inlet<T> next)
        => letsThrough ? new TakeStage<T>(context, next, count) : new SkipStage<T>(context, next, count);
}

internal sealed class TakeStage<T> : Stage<T, T>, INodeLifetime
{
    private long left;

    public TakeStage(StageContext context, Inlet<T> next, long count) : base(context, next)
    {
        left = count;
        if (count == 0 && context.KeyClock is null) context.Run.Nodes.Add(this); // a source must not wait for an item that is not needed
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        if (left == 0) return LeaveOut(ticket);
        if (--left == 0) Stop();
        return EmitAsync(item, ticket);
    }

    public ValueTask BeginAsync()
    {
        Stop();
        return default;
    }

    public ValueTask DisposeAsync() => default;
}

internal sealed class SkipStage<T>(StageContext context, Inlet<T> next, long count) : Stage<T, T>(context, next)
{
    private long left = count;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        if (left == 0) return EmitAsync(item, ticket);
        left--;
        return Skip(ticket);
    }
}

/// <summary>Splits the items at the first one for which the predicate is false: either the items before it go through, or that item and all
/// later ones.</summary>
internal sealed class PrefixOperator<T>(Func<T, bool> predicate, bool letsThrough) : Operator<T, T>
{
    public override string Kind => letsThrough ? "take-while" : "skip-while";

    public override Delegate Function => predicate;

    public override string Stateful => "remembers whether the predicate has been false";

    public override string? StartsAnew => letsThrough ? null : Stateful;     // a run that ends at an item loses none

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new PrefixStage<T>(context, next, predicate, letsThrough);
}

internal sealed class PrefixStage<T>(StageContext context, Inlet<T> next, Func<T, bool> predicate, bool letsThrough)
    : Stage<T, T>(context, next)
{
    private bool isOver;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        if (!isOver)
        {
            try
            {
                isOver = !predicate(item);
            }
            catch (Exception e)
            {
                throw Context.Failure(e, item, ticket);
            }
            if (isOver && letsThrough) Stop();
        }
        if (isOver != letsThrough) return EmitAsync(item, ticket);
        return letsThrough ? LeaveOut(ticket) : Skip(ticket);
    }
}
