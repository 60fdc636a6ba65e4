using System.Runtime.CompilerServices;

namespace Sluice;

public static partial class Operators
{
    /// <summary>Turns every item into any number of others, one after the other. The same as <c>source | function</c>.</summary>
    public static Source<TOut> SelectMany<T, TOut>(this Source<T> source, Func<T, IEnumerable<TOut>> function)
        => NotNull(source).Then(new SelectManyOperator<T, TOut>(NotNull(function)));

    /// <inheritdoc cref="SelectMany{T, TOut}(Source{T}, Func{T, IEnumerable{TOut}})"/>
    public static Pipe<TIn, TOut> SelectMany<TIn, T, TOut>(this Pipe<TIn, T> pipe, Func<T, IEnumerable<TOut>> function)
        => NotNull(pipe).Then(new SelectManyOperator<T, TOut>(NotNull(function)));
}

internal sealed class SelectManyOperator<T, TOut>(Func<T, IEnumerable<TOut>> function) : Operator<T, TOut>
{
    public override string Kind => "many";

    public override Delegate Function => function;

    public override Inlet<T> Create(StageContext context, Inlet<TOut> next) => new SelectManyStage<T, TOut>(context, next, function);
}

/// <remarks>Items are drawn from the function's sequence one by one, so that a long one is bounded like everything else.</remarks>
internal sealed class SelectManyStage<T, TOut>(StageContext context, Inlet<TOut> next, Func<T, IEnumerable<TOut>> function)
    : Stage<T, TOut>(context, next), IUpstream
{
    private bool stopped;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        IEnumerator<TOut> items;
        try
        {
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
    private ValueTask PushSome(IEnumerator<TOut> items, T item, Ticket? ticket, ref bool done)
    {
        while (!Volatile.Read(ref stopped))
        {
            if (Context.Run.IsStopping) throw new RunStoppedException();
            if (!MoveNext(items, item, ticket, out TOut result)) break;
            ticket?.Add(1);
            Context.Out++;
            ValueTask pushed = Next.PushAsync(result, ticket);
            if (!pushed.IsCompletedSuccessfully) return pushed;
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

    private bool MoveNext(IEnumerator<TOut> items, T item, Ticket? ticket, out TOut result)
    {
        try
        {
            bool more = items.MoveNext();
            result = more ? items.Current : default!;
            return more;
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
    }
}
