using Sluice.Policies;

namespace Sluice.Engine;

/// <summary>The current call of a user's function that may add functions for the commit of its item.</summary>
/// <remarks>
/// One per stage instance. The island that runs the instance begins and ends calls, one after the other; any thread may add. So that what
/// is added while a call ends is either handed over or refused, the number of the call, negated, is a lock.
/// </remarks>
internal sealed class StageCall(StageContext context)
{
    private TransactionWork? work;                   // of the call, the newest first
    private long current;                            // the number of the call; zero if none is under way, negative while it is held

    /// <summary>Begins a call.</summary>
    /// <returns>The number of the call.</returns>
    public long Begin()
    {
        var wait = new SpinWait();
        for (long seen = Volatile.Read(ref current); seen < 0 || Interlocked.CompareExchange(ref current, context.In, seen) != seen;
            seen = Volatile.Read(ref current)) wait.SpinOnce();          // an earlier call, which was given up, is adding
        work = null;
        return context.In;
    }

    /// <summary>Adds a function for the commit of the current item. Any thread.</summary>
    /// <returns>False if the call has ended.</returns>
    public bool TryAdd(TransactionWork added, long to)
    {
        if (!TryHold(to)) return false;
        (added.Next, work) = (work, added);
        Volatile.Write(ref current, to);
        return true;
    }

    /// <summary>Ends a call, and hands over what it has added. In an attempt that is for the <see cref="PolicyStage{TIn, TOut}"/> to do:
    /// the attempt may have failed although the call has succeeded, too late.</summary>
    /// <param name="ended">The number of the call. Nothing happens if another one has begun.</param>
    /// <param name="ticket">The ticket of the item; null in an attempt.</param>
    /// <param name="hasFailed">Whether the call has failed.</param>
    public void End(long ended, Ticket? ticket, bool hasFailed = false)
    {
        if (!TryHold(ended)) return;
        if (hasFailed) work = null;
        Volatile.Write(ref current, 0);
        if (ticket is not null) HandOver(ticket);
    }

    /// <summary>Hands over what an ended call has added for the commit of its item.</summary>
    public void HandOver(Ticket ticket)
    {
        (TransactionWork? added, work) = (work, null);
        if (added is null) return;
        TransactionWork? first = null;
        for (TransactionWork? next = added; next is not null;) (first, next, next.Next) = (next, next.Next, first);
        var owner = (ITransactionOwner)context.Run.Options.Following!.Feeder;
        for (TransactionWork? next = first; next is not null; next = next.Next) owner.Keep(context.Node, next, ticket);
    }

    private bool TryHold(long number)
    {
        var wait = new SpinWait();
        while (true)
        {
            long seen = Interlocked.CompareExchange(ref current, -number, number);
            if (seen == number) return true;
            if (seen != -number) return false;
            wait.SpinOnce();
        }
    }
}
