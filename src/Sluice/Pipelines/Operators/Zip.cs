using Sluice.Engine;
using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Pairs the first item of one source with the first of the other, the second with the second, and so on; ends with the
    /// shorter one.</summary>
    [AlsoForPipes]
    public static Source<TOut> Zip<TLeft, TRight, TOut>(this Source<TLeft> left, Source<TRight> right, Func<TLeft, TRight, TOut> function)
        => new PairSource<TLeft, TRight, TOut>(NotNull(left), NotNull(right), new ZipOperator<TLeft, TRight, TOut>(NotNull(function)),
        StageOptions.Default);
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
