namespace Sluice.Engine;

/// <summary>
/// Catches the failure of one item in front of an inlet, in runs that continue after failures (<see cref="ItemTracking"/>).
/// A caller that pushes several items, or works for several roots, then continues with the next one.
/// </summary>
/// <remarks>
/// Not needed behind stages that have nothing left to do for an item once they have pushed it
/// (<see cref="Operator{TIn, TOut}.LetsFailuresThrough"/>): failures pass through those, up to here or to the source.
/// In front of every queue's consumer and of every lane, items are also held back here (<see cref="Ticket.TryHoldBack"/>).
/// </remarks>
internal sealed class FailureBoundary<T> : Inlet<T>, IUpstream
{
    private readonly Inlet<T> next;
    private readonly bool keepsOrder;

    public FailureBoundary(Inlet<T> next, bool keepsOrder)
    {
        (this.next, this.keepsOrder, Node) = (next, keepsOrder, next.Node);
        next.Attach(this);
    }

    public override bool IsSelective => next.IsSelective;

    public override bool IsReady => next.IsReady;

    public override bool HandsOn => next.HandsOn;

    public override void ComesFrom(int from) => next.ComesFrom(from);

    public override bool HoldsOutputs => next.HoldsOutputs;

    public override void Flush() => next.Flush();

    public void Stop() => Upstream?.Stop();

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        if (keepsOrder && ticket is not null && ticket.TryHoldBack())
        {
            ticket.Settle(Outcome.Skipped);
            return default;
        }
        try
        {
            ValueTask pushed = next.PushAsync(item, ticket);
            return pushed.IsCompletedSuccessfully ? default : AwaitAsync(pushed);
        }
        catch (PipelineException e) when (e.IsKept)
        {
            return default;
        }
    }

    public override ValueTask PullAsync(Ring<T> ring, PipelineRun run, int count, ref int taken)
    {
        if (keepsOrder) return base.PullAsync(ring, run, count, ref taken);          // one by one: any of them may be held back
        while (taken < count)
        {
            try
            {
                ValueTask pulled = next.PullAsync(ring, run, count, ref taken);
                return pulled.IsCompletedSuccessfully ? default : AwaitAsync(pulled);
            }
            catch (PipelineException e) when (e.IsKept)
            {
                // The failed item is already taken; the others are still in the ring.
            }
        }
        return default;
    }

    protected override ValueTask OnCompleteAsync() => next.CompleteAsync();

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask AwaitAsync(ValueTask pushed)
    {
        try
        {
            await pushed;
        }
        catch (PipelineException e) when (e.IsKept)
        {
            // The root is settled, or will be when its other parts are.
        }
    }
}
