namespace Sluice.Engine;

/// <summary>Calls the join function: it makes one item from the outputs of all branches.</summary>
/// <remarks>Called for one item at a time.</remarks>
internal sealed class ForkEnd<T, TOut>(StageContext context, Inlet<TOut> next, Func<Fork<T>, TOut> function)
{
    public StageContext Context => context;

    public void Attach(IUpstream upstream) => next.Attach(upstream);

    public void Flush() => next.Flush();

    public ValueTask CompleteAsync() => next.CompleteAsync();

    /// <summary>Joins an item that has ended in all branches, and pushes the result.</summary>
    public ValueTask JoinAsync(Fork<T> fork)
    {
        Ticket? ticket = fork.Parent;
        if (fork.HasFailed)
        {
            fork.End();
            ticket?.Settle(Outcome.Failed);
            return default;
        }
        if (fork.HasSkippedFailure && ticket is not null)
        {
            ticket.Add(1);
            ticket.Settle(Outcome.Failed);
        }
        context.In += fork.CountOutputs();
        TOut joined;
        T item = fork.Item;
        try
        {
            joined = function(fork);
        }
        catch (Exception e)
        {
            throw context.Failure(e, item, ticket, isPartial: true);
        }
        finally
        {
            fork.End();
        }
        context.Out++;
        return next.PushAsync(joined, ticket);
    }
}
