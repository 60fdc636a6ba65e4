namespace Sluice;

/// <summary>A stage with one input and one output: most operators derive from it.</summary>
/// <remarks>
/// User code runs between <c>try</c> and <c>catch</c> of the stage, the push to the next stage outside of it, so that a
/// failure further down is never taken for one of this stage.
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

    public override void Flush() => Next.Flush();

    public void Stop() => Upstream?.Stop();

    protected override ValueTask OnCompleteAsync() => Next.CompleteAsync();

    /// <summary>Counts and pushes.</summary>
    protected ValueTask EmitAsync(TOut item, Ticket? ticket)
    {
        Context.Out++;
        return Next.PushAsync(item, ticket);
    }

    /// <summary>The item ends here, as intended: filtered out.</summary>
    protected ValueTask Skip(Ticket? ticket)
    {
        Context.Skipped++;
        ticket?.Settle(Outcome.Skipped);
        return default;
    }
}
