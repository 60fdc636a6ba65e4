using Sluice.Engine;
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
/// <remarks>It takes the elements one by one, so that a long sequence needs no memory. In lanes it takes up to 32 at once (the part in
/// <c>Fusion/</c>).</remarks>
internal sealed partial class SelectManyStage<T, TOut>(StageContext context, Inlet<TOut> next, Func<T, IEnumerable<TOut>> function)
    : Stage<T, TOut>(context, next), IUpstream
{
    private const int ItemsPerTurn = 4096;           // a power of two

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
        bool held = false;
        try
        {
            ValueTask pushed = PushSome(items, item, ticket, ref done);
            if (held = !done) return PushRestAsync(pushed, items, item, ticket);
        }
        finally
        {
            if (!held) items.Dispose();
        }
        return default;
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
        ticket?.Settle(Outcome.Skipped);           // the hold of this loop; what came out decides, if anything did
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask PushRestAsync(ValueTask pushed, IEnumerator<TOut> items, T item, Ticket? ticket)
    {
        using (items)
        {
            for (bool done = false; !done;)
            {
                await pushed;
                pushed = PushSome(items, item, ticket, ref done);
            }
        }
    }
}
