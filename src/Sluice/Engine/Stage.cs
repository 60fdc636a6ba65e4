namespace Sluice.Engine;

/// <summary>A stage with one input and one output: the base of most operators' instances.</summary>
/// <remarks>
/// User code runs inside the <c>try</c> of the stage, the push to the next stage outside of it. So a failure further down is never
/// taken for a failure of this stage.
/// </remarks>
internal abstract class Stage<TIn, TOut> : Inlet<TIn>, IUpstream
{
    protected Stage(StageContext context, Inlet<TOut> next)
    {
        Context = context;
        Next = next;
        Node = context.Node;
        next.Attach(this);
    }

    public StageContext Context { get; }

    public Inlet<TOut> Next { get; }

    public override bool HoldsOutputs => Next.HoldsOutputs;

    public override void Flush() => Next.Flush();

    public void Stop() => Upstream?.Stop();

    protected override ValueTask OnCompleteAsync() => Next.CompleteAsync();

    /// <summary>Counts an output and pushes it.</summary>
    protected ValueTask EmitAsync(TOut item, Ticket? ticket)
    {
        Context.Out++;
        return Next.PushAsync(item, ticket);
    }

    /// <summary>Counts an item that goes no further as an output, and ends it as completed.</summary>
    protected ValueTask End(Ticket? ticket)
    {
        Context.Out++;
        ticket?.Settle(Outcome.Completed);
        return default;
    }

    /// <summary>Ends the item as skipped: it was filtered out.</summary>
    protected ValueTask Skip(Ticket? ticket)
    {
        Context.Skipped++;
        ticket?.Settle(Outcome.Skipped);
        return default;
    }

    /// <summary>Ends the item as skipped because the stage takes no more items: another run has to make it again.</summary>
    protected ValueTask LeaveOut(Ticket? ticket)
    {
        ticket?.Cut();
        return Skip(ticket);
    }

    /// <summary>Waits for work on an item that did not complete at once. If it fails, the item has failed in this stage.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    protected async ValueTask WaitForAsync(ValueTask pending, TIn item, Ticket? ticket)
    {
        try
        {
            await pending;
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
    }
}
