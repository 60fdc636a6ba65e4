namespace Sluice.Delivery;

/// <summary>The stage that sends items to a consecutor without a store, by filling segments. An item is accepted, and its root ends, when
/// it is in its segment.</summary>
internal sealed class LocalAcceptStage<T> : Stage<T, Unit>, INodeLifetime
{
    private readonly Consecutor<T> consecutor;
    private readonly LocalIntake<T> intake;
    private volatile LocalSegment<T> filling;        // replaced by pushes; a concurrent flush announces the items it finds

    public LocalAcceptStage(StageContext context, Inlet<Unit> next, Consecutor<T> consecutor, LocalIntake<T> intake) : base(context, next)
    {
        (this.consecutor, this.intake, filling) = (consecutor, intake, intake.Rent());
        context.IsOneToOne = true;
        context.Run.Nodes.Add(this);
    }

    public ValueTask BeginAsync()
    {
        consecutor.ThrowIfEnded();
        return default;
    }

    public ValueTask DisposeAsync() => default;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        bool isFull = filling.Add(item);
        if (isFull || intake.IsHungry) return PublishAsync(item, ticket, isFull);
        ticket?.Settle(Outcome.Completed);
        return default;
    }

    public override void Flush() => intake.Flush(filling);

    protected override ValueTask OnCompleteAsync()
    {
        intake.Return(filling);
        return Next.CompleteAsync();
    }

    private ValueTask PublishAsync(T item, Ticket? ticket, bool isFull)
    {
        Task? full;
        try
        {
            full = intake.Publish(filling);
        }
        catch (InvalidOperationException refused)
        {
            throw Context.Failure(refused, item, ticket);
        }
        ticket?.Settle(Outcome.Completed);
        if (isFull) filling = intake.Rent();
        return full is null ? default : new ValueTask(intake.WaitAsync(full, Context.Token));
    }
}
