namespace Sluice.Processes;

/// <summary>The sink of a worker's body: each value that arrives is a result of its item.</summary>
internal sealed class WorkerSink<T>(IPayloadSerializer<T> serializer) : Operator<T, Unit>
{
    public override string Kind => "results";

    public override Inlet<T> Create(StageContext context, Inlet<Unit> next) => new WorkerSinkStage<T>(context, next, serializer);
}

internal sealed class WorkerSinkStage<T>(StageContext context, Inlet<Unit> next, IPayloadSerializer<T> serializer)
    : Stage<T, Unit>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        try
        {
            ((WorkerItem)ticket!.Whole).Add(serializer, item);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return End(ticket);
    }
}
