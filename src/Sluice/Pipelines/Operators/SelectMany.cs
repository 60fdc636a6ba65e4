using Sluice.Scheduling;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Turns every item into any number of others, one after the other. The same as <c>source | function</c>.</summary>
    [AlsoForPipes]
    public static Source<TOut> SelectMany<T, TOut>(this Source<T> source, Func<T, IEnumerable<TOut>> function)
        => NotNull(source).Then(new SelectManyOperator<T, TOut>(NotNull(function)));
}

internal sealed class SelectManyOperator<T, TOut>(Func<T, IEnumerable<TOut>> function) : Operator<T, TOut>
{
    public override string Kind => "many";

    public override Delegate Function => function;

    public override bool MayRunAhead => true;

    public override Inlet<T> Create(StageContext context, Inlet<TOut> next) => new SelectManyStage<T, TOut>(context, next, function);
}

/// <summary>Pushes each element of the function's sequence.</summary>
/// <remarks>
/// It takes the elements one by one, so that a long sequence needs no memory. In lanes, which collect items in any case, it takes up to 32
/// at once: in the airports job, making a pair this way is 4 of about 97 ns of processor time per pair (ADR 0009). A sink or an aggregate
/// behind it takes the sequence itself (<see cref="ITakesSequence{T}"/>).
/// </remarks>
internal sealed class SelectManyStage<T, TOut>(StageContext context, Inlet<TOut> next, Func<T, IEnumerable<TOut>> function)
    : Stage<T, TOut>(context, next), IUpstream
{
    private const int ItemsPerTurn = 4096;           // a power of two

    private readonly ITakesStretch<TOut>? collecting = next as ITakesStretch<TOut>;
    private readonly ITakesSequence<TOut>? taking = next as ITakesSequence<TOut>;
    private Exception? broken;                       // thrown by the sequence; kept until the elements before it are pushed
    private Waiter? turn;
    private bool stopped;
    private long outBefore;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        IEnumerator<TOut> items;
        try
        {
            outBefore = Context.Out;
            items = function(item).GetEnumerator();
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        bool done = false;
        try
        {
            ValueTask pushed = PushSome(items, item, ticket, ref done);
            return done ? default : PushRestAsync(pushed, items, item, ticket);
        }
        catch (Exception) when (!done)
        {
            Abandon(items);
            throw;
        }
    }

    void IUpstream.Stop()
    {
        Volatile.Write(ref stopped, true);
        Stop();
    }

    /// <summary>Pushes until the sequence ends, or a push has to wait.</summary>
    /// <remarks>One try for the whole loop: <c>inUserCode</c> tells whose failure it is.</remarks>
    private ValueTask PushSome(IEnumerator<TOut> items, T item, Ticket? ticket, ref bool done)
    {
        StageContext context = Context;
        Inlet<TOut> next = Next;
        if (collecting is { TakesStretches: true }) return PushStretches(collecting, items, item, ticket, ref done);
        if (taking is not null) return PushSequence(taking, items, item, ticket, ref done);
        bool inUserCode = false;
        try
        {
            while (!Volatile.Read(ref stopped))
            {
                if (context.Run.IsStopping) throw new RunStoppedException();
                inUserCode = true;
                if (!items.MoveNext()) break;
                TOut result = items.Current;
                inUserCode = false;
                ticket?.Add(1);
                context.Out++;
                ValueTask pushed = next.PushAsync(result, ticket);
                if (!pushed.IsCompletedSuccessfully) return pushed;
                if ((context.Out & (ItemsPerTurn - 1)) == 0) return (turn ??= new Waiter(context.Run.Scheduler)).YieldAsync();
            }
        }
        catch (Exception e) when (inUserCode)
        {
            throw context.Failure(e, item, ticket, isPartial: context.Out != outBefore);
        }
        done = true;
        End(items, item, ticket, isCut: Volatile.Read(ref stopped));
        return default;
    }

    /// <summary>Lets the last inlet of the chain take the elements itself.</summary>
    private ValueTask PushSequence(ITakesSequence<TOut> next, IEnumerator<TOut> items, T item, Ticket? ticket, ref bool done)
    {
        StageContext context = Context;
        bool inSequence = false;
        try
        {
            int most = ItemsPerTurn - (int)(context.Out & (ItemsPerTurn - 1));
            if (!next.Take(items, most, ticket, ref stopped, ref context.Out, ref inSequence))
                return (turn ??= new Waiter(context.Run.Scheduler)).YieldAsync();
        }
        catch (Exception e) when (inSequence)
        {
            throw context.Failure(e, item, ticket, isPartial: context.Out != outBefore);
        }
        done = true;
        End(items, item, ticket, isCut: false);
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask PushRestAsync(ValueTask pushed, IEnumerator<TOut> items, T item, Ticket? ticket)
    {
        bool done = false;
        try
        {
            while (!done)
            {
                await pushed;
                pushed = PushSome(items, item, ticket, ref done);
            }
        }
        catch (Exception) when (!done)
        {
            Abandon(items);
            throw;
        }
    }

    /// <summary>Ends an item whose elements are pushed. A failure while disposing is the item's, so it comes before the end of the hold of
    /// the loop.</summary>
    private void End(IEnumerator<TOut> items, T item, Ticket? ticket, bool isCut)
    {
        try
        {
            items.Dispose();
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket, isPartial: Context.Out != outBefore);
        }
        if (isCut) (ticket ?? Context.Ticket)?.Cut();
        ticket?.Settle(Outcome.Skipped);             // what came out decides, if anything did
    }

    private static void Abandon(IEnumerator<TOut> items)
    {
        try
        {
            items.Dispose();
        }
        catch (Exception)
        {
            // The item's first failure is on its way up, and says more.
        }
    }

    /// <summary>Pushes up to 32 elements at once into a lane, which collects them in any case.</summary>
    private ValueTask PushStretches(ITakesStretch<TOut> next, IEnumerator<TOut> items, T item, Ticket? ticket, ref bool done)
    {
        Stretch some = default;
        Span<TOut> room = some;
        for (bool ended = false; !ended && !Volatile.Read(ref stopped);)
        {
            Context.Run.ThrowIfStopping();
            int count = 0;
            try
            {
                while (count < room.Length && broken is null && !ended)
                {
                    if (items.MoveNext()) room[count++] = items.Current;
                    else ended = true;
                }
            }
            catch (Exception e)
            {
                broken = e;
            }
            if (count == 0) break;
            ticket?.Add(count);
            int taken = 0;
            ValueTask pushed;
            try
            {
                pushed = next.PushAsync(room[..count], ticket, ref taken);
            }
            finally
            {
                Context.Out += taken;
            }
            if (!pushed.IsCompletedSuccessfully) return pushed;
        }
        if (broken is { } cause)
        {
            broken = null;
            throw Context.Failure(cause, item, ticket);
        }
        done = true;
        End(items, item, ticket, isCut: Volatile.Read(ref stopped));
        return default;
    }

    [InlineArray(32)]
    private struct Stretch
    {
        private TOut first;
    }
}
