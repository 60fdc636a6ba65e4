using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Pairs the first item of one source with the first of the other, the second with the second, and so on; ends with the
    /// shorter one.</summary>
    [AlsoForPipes]
    public static Source<TOut> Zip<TLeft, TRight, TOut>(this Source<TLeft> left, Source<TRight> right, Func<TLeft, TRight, TOut> function)
        => PairSource.Of(NotNull(left), NotNull(right), new ZipOperator<TLeft, TRight, TOut>(NotNull(function)));

    /// <summary>Gives every item to two branches, and pairs their outputs: the first with the first, the second with the second, and so
    /// on.</summary>
    /// <remarks>The items of the branch that is ahead are held until their partners come. In a consecutor they are state, by partition, and
    /// the stage needs a name (<see cref="Stage.Named"/>). If a branch would be more than <paramref name="maxHeld"/> items ahead, the item
    /// fails. Items without a partner at the end of a run are counted as skipped. If branches filter, positions no longer match: pair by
    /// key, with the join.</remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TLeft">The type of the left items.</typeparam>
    /// <typeparam name="TRight">The type of the right items.</typeparam>
    /// <typeparam name="TOut">The type of the items made from pairs.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="left">The left branch.</param>
    /// <param name="right">The right branch.</param>
    /// <param name="function">Makes an item from a pair.</param>
    /// <param name="maxHeld">The number of items held, 1 or more; in a consecutor, of each partition.</param>
    /// <returns>The items made from the pairs. They are new root items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    [AlsoForPipes]
    public static Source<TOut> Zip<T, TLeft, TRight, TOut>(
        this Source<T> source, Func<Source<T>, Source<TLeft>> left, Func<Source<T>, Source<TRight>> right,
            Func<TLeft, TRight, TOut> function, int maxHeld = 100_000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxHeld, 1);
        var zip = new BranchZipOperator<TLeft, TRight, TOut>(NotNull(function), maxHeld);
        return PairSource.Of(NotNull(source), left, right, zip);
    }
}

internal sealed class ZipOperator<TLeft, TRight, TOut>(Func<TLeft, TRight, TOut> function) : PairOperator<TLeft, TRight, TOut>
{
    public override string Kind => "zip";

    public override bool IsSelective => true;

    public override Delegate Function => function;

    public override (Inlet<TLeft> Left, Inlet<TRight> Right) Create(StageContext context, Inlet<TOut> next)
    {
        var zip = new ZipStage<TLeft, TRight, TOut>(context, next, function);
        return (zip.Left, zip.Right);
    }
}

/// <summary>Holds at most one item of each side: an input is not ready while its item waits for a partner.</summary>
internal sealed class ZipStage<TLeft, TRight, TOut>
{
    private readonly StageContext context;
    private readonly Inlet<TOut> next;
    private readonly Func<TLeft, TRight, TOut> function;
    private bool ended;

    public ZipStage(StageContext context, Inlet<TOut> next, Func<TLeft, TRight, TOut> function)
    {
        (this.context, this.next, this.function) = (context, next, function);
        Left = new Side<TLeft>(this);
        Right = new Side<TRight>(this);
        next.Attach(Left);
        next.Attach(Right);
    }

    public Side<TLeft> Left { get; }

    public Side<TRight> Right { get; }

    /// <summary>A pair is a new root item, because it comes from two items.</summary>
    private ValueTask PairUp(object? arrived, Ticket? ticket)
    {
        if (!Left.HasItem || !Right.HasItem)
        {
            ticket?.Settle(Outcome.Completed);           // held now
            return default;
        }
        TOut pair;
        try
        {
            pair = function(Left.Take(), Right.Take());
        }
        catch (Exception e)
        {
            throw context.Failure(e, arrived, ticket);
        }
        ticket?.Settle(Outcome.Completed);
        context.Out++;
        return next.PushAsync(pair, null);
    }

    /// <summary>Drops the further items of a side whose partners have ended.</summary>
    private ValueTask End()
    {
        if (ended) return default;
        ended = true;
        context.Skipped += (Left.HasItem ? 1 : 0) + (Right.HasItem ? 1 : 0);
        Left.Upstream?.Stop();
        Right.Upstream?.Stop();
        return next.CompleteAsync();
    }

    internal sealed class Side<T> : Inlet<T>, IUpstream
    {
        private readonly ZipStage<TLeft, TRight, TOut> zip;
        private T? item;
        private bool isOver;

        public Side(ZipStage<TLeft, TRight, TOut> zip) => (this.zip, Node) = (zip, zip.context.Node);

        public bool HasItem { get; private set; }

        public override bool IsSelective => true;

        public override bool IsReady => !HasItem || zip.ended;

        public T Take()
        {
            HasItem = false;
            return item!;
        }

        public override ValueTask PushAsync(T item, Ticket? ticket)
        {
            zip.context.In++;
            if (zip.ended)
            {
                zip.context.Skipped++;
                ticket?.Settle(Outcome.Skipped);
                return default;
            }
            this.item = item;
            HasItem = true;
            return PushAndEndAsync(zip.PairUp(item, ticket));
        }

        public override void Flush() => zip.next.Flush();

        public void Stop() => Upstream?.Stop();

        protected override ValueTask OnCompleteAsync()
        {
            isOver = true;
            return HasItem ? default : zip.End();
        }

        // The other side may have ended earlier, with its last item waiting for this one.
        private ValueTask PushAndEndAsync(ValueTask pushed)
        {
            bool over = (zip.Left.isOver && !zip.Left.HasItem) || (zip.Right.isOver && !zip.Right.HasItem);
            if (!over) return pushed;
            return EndAsync(pushed);
        }

        private async ValueTask EndAsync(ValueTask pushed)
        {
            await pushed;
            await zip.End();
        }
    }
}

internal sealed class BranchZipOperator<TLeft, TRight, TOut>(Func<TLeft, TRight, TOut> function, int maxHeld)
    : Operator<Side<TLeft, TRight>, TOut>
{
    public override string Kind => "zip";

    public override Delegate Function => function;

    public override bool Remembers => true;

    public override StateShape Shape => new(Kind, typeof((TLeft, TRight)), 0)
    {
        Older = Kind,
        Parts = [typeof(TLeft), typeof(TRight)]
    };

    public override Inlet<Side<TLeft, TRight>> Create(StageContext context, Inlet<TOut> next)
        => new BranchZipStage<TLeft, TRight, TOut>(context, next, function, maxHeld);
}

/// <summary>Holds the items of the side that is ahead.</summary>
internal sealed class BranchZipStage<TLeft, TRight, TOut>(StageContext context, Inlet<TOut> next, Func<TLeft, TRight, TOut> function,
    int maxHeld)
    : Stage<Side<TLeft, TRight>, TOut>(context, next), IStatefulPair
{
    // What is stored is held, so everything that is not must go at once.
    private readonly HeldItems<TLeft> left = new("L/", int.MaxValue);
    private readonly HeldItems<TRight> right = new("R/", int.MaxValue);
    private readonly bool isStored = context.Scope is not null;

    IStateful IStatefulPair.Left => left;

    IStateful IStatefulPair.Right => right;

    public override ValueTask PushAsync(Side<TLeft, TRight> item, Ticket? ticket)
    {
        Context.In++;
        return item.IsLeft ? PushAsync(item.Left, left, right, function, ticket)
            : PushAsync(item.Right, right, left, (one, other) => function(other, one), ticket);
    }

    protected override ValueTask OnCompleteAsync()
    {
        if (!isStored) Context.Skipped += left.Count + right.Count;
        return Next.CompleteAsync();
    }

    private ValueTask PushAsync<T, TOther>(T item, HeldItems<T> own, HeldItems<TOther> others, Func<T, TOther, TOut> make, Ticket? ticket)
    {
        TOut pair;
        try
        {
            if (!others.TryPeek(out Held<TOther>? partner))
            {
                if (own.Count >= maxHeld) throw new InvalidOperationException(
                    $"{maxHeld:N0} items of this branch wait for partners already, as many as may. Where branches filter, use a join.");
                own.Add(item, 0, isStored);
                ticket?.Settle(Outcome.Completed);   // held now: a pair is a root item of its own
                return default;
            }
            pair = make(item, partner.Item);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        others.Take();
        ticket?.Settle(Outcome.Completed);
        return EmitAsync(pair, null);
    }
}
