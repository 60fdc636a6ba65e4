using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>
/// Stands in front of an inlet in runs that go on after failures (<see cref="ItemTracking"/>): a failure of one item that its root knows of ends here, so
/// that whoever pushes several items, or is at work for others, goes on with the next.
/// </summary>
/// <remarks>
/// Not needed between stages that have nothing left to do for an item once they have pushed it (<see cref="Operator{TIn, TOut}.LetsFailuresThrough"/>): failures
/// are thrown through those, up to here or to the source. In front of every queue's consumer and of every lane, it is also where items are held back (<see cref="Ticket.TryHoldBack"/>).
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
                // The item that failed is taken; the rest is still there.
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
            // Its root is settled, or will be when its other parts are.
        }
    }
}
