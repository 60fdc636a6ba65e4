namespace Sluice.Delivery;

/// <summary>The stage that sends items to a consecutor without a store, by filling segments. An item is accepted, and its root ends, when
/// it is in its segment.</summary>
internal sealed class LocalAcceptStage<T> : Stage<T, Unit>
{
    private readonly LocalIntake<T> intake;
    private volatile LocalSegment<T> filling;        // replaced by pushes; a concurrent flush announces the items it finds

    public LocalAcceptStage(StageContext context, Inlet<Unit> next, LocalIntake<T> intake) : base(context, next)
    {
        (this.intake, filling) = (intake, intake.Rent());
        context.IsOneToOne = true;
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        bool isFull = filling.Add(item);
        ticket?.Settle(Outcome.Completed);
        return isFull || intake.IsHungry ? PublishAsync(isFull) : default;
    }

    public override void Flush() => _ = intake.Publish(filling);

    protected override ValueTask OnCompleteAsync()
    {
        intake.Return(filling);
        return Next.CompleteAsync();
    }

    private ValueTask PublishAsync(bool isFull)
    {
        Task? full = intake.Publish(filling);
        if (isFull) filling = intake.Rent();
        return full is null ? default : new ValueTask(intake.WaitAsync(full, Context.Token));
    }
}
