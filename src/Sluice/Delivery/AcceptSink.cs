namespace Sluice.Delivery;

/// <summary>The operator at the end of a pipeline that sends its items to a consecutor.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class AcceptSink<T>(Consecutor<T> consecutor) : Operator<T, Unit>
{
    public override string Kind => "send";

    public override string Hint => consecutor.Name;

    public override string Exclusive => "appends under one producer's numbers";

    public override Inlet<T> Create(StageContext context, Inlet<Unit> next)
        => consecutor.Local is { } local ? new LocalAcceptStage<T>(context, next, consecutor, local)
            : new AcceptStage<T>(context, next, consecutor);
}
