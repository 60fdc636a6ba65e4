using Sluice.Engine;

namespace Sluice.Pipelines;

/// <summary>Splits the items at the first one for which the predicate is false: either the items before it go through, or that item and all
/// later ones.</summary>
internal sealed class PrefixOperator<T>(Func<T, bool> predicate, bool letsThrough) : Operator<T, T>
{
    public override string Kind => letsThrough ? "take-while" : "skip-while";

    public override Delegate Function => predicate;

    public override string Stateful => "remembers whether the predicate has been false";

    public override string? StartsAnew => letsThrough ? null : Stateful;     // a run that ends at an item loses none

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new PrefixStage<T>(context, next, predicate, letsThrough);
}

internal sealed class PrefixStage<T>(StageContext context, Inlet<T> next, Func<T, bool> predicate, bool letsThrough)
    : Stage<T, T>(context, next)
{
    private bool isOver;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        if (!isOver)
        {
            try
            {
                isOver = !predicate(item);
            }
            catch (Exception e)
            {
                throw Context.Failure(e, item, ticket);
            }
            if (isOver && letsThrough) Stop();
        }
        return isOver == letsThrough ? Skip(ticket) : EmitAsync(item, ticket);
    }
}
