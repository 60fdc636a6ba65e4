namespace Sluice.Engine;

/// <summary>Holds the outputs of a stage with a policy until the attempt has succeeded.</summary>
internal sealed class Holding<T> : Inlet<T>
{
    private readonly StageContext context;
    private readonly Inlet<T> next;

    public Holding(StageContext context, Inlet<T> next) => (this.context, this.next, Node) = (context, next, context.Node);

    public List<T> Items { get; } = [];

    /// <summary>True once the stage is completing: its outputs then belong to no attempt.</summary>
    public bool PassesThrough { get; set; }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        // In an attempt, the stage has no ticket: what comes with one belongs to no attempt, but to the end of a key.
        if (PassesThrough || ticket is not null)
        {
            context.Out++;
            return next.PushAsync(item, ticket);
        }
        Items.Add(item);
        return default;
    }

    /// <remarks>Not into a lane, which an attempt that was abandoned must not touch: nothing of the attempt rests there.</remarks>
    public override void Flush()
    {
        if (!next.HoldsOutputs) next.Flush();
    }

    protected override ValueTask OnCompleteAsync() => next.CompleteAsync();
}
