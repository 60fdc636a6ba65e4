using Sluice.Scheduling;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Turns every item into any number of others, asynchronously. The same as <c>source | function</c>.</summary>
    [AlsoForPipes]
    public static Source<TOut> SelectManyAsync<T, TOut>(this Source<T> source, Func<T, CancellationToken, IAsyncEnumerable<TOut>> function)
        => NotNull(source).Then(new SelectManyAsyncOperator<T, TOut>(NotNull(function), function));
}

internal sealed class SelectManyAsyncOperator<T, TOut>(Func<T, CancellationToken, IAsyncEnumerable<TOut>> function, Delegate original)
    : Operator<T, TOut>
{
    public override string Kind => "many";

    public override Delegate Function => original;

    public override bool IsAsynchronous => true;

    public override Inlet<T> Create(StageContext context, Inlet<TOut> next) => new SelectManyAsyncStage<T, TOut>(context, next, function);
}

internal sealed class SelectManyAsyncStage<T, TOut>(
    StageContext context, Inlet<TOut> next, Func<T, CancellationToken, IAsyncEnumerable<TOut>> function)
        : Stage<T, TOut>(context, next), IUpstream
{
    private const int ItemsPerTurn = 4096;           // a power of two

    private Waiter? turn;
    private bool stopped;

    public override async ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        IAsyncEnumerator<TOut>? items = null;
        bool failed = true;
        long outBefore = Context.Out;
        try
        {
            while (!Volatile.Read(ref stopped))
            {
                Context.Run.ThrowIfStopping();
                TOut result;
                try
                {
                    items ??= function(item, Context.Token).GetAsyncEnumerator(Context.Token);
                    ValueTask<bool> next = items.MoveNextAsync();
                    if (!next.IsCompleted) Next.Flush();             // about to wait: what came out so far is not to wait as well
                    if (!await next) break;
                    result = items.Current;
                }
                catch (Exception e)
                {
                    throw Context.Failure(e, item, ticket, isPartial: Context.Out != outBefore);
                }
                ticket?.Add(1);
                await EmitAsync(result, ticket);
                if ((Context.Out & (ItemsPerTurn - 1)) != 0) continue;
                Next.Flush();
                await (turn ??= new Waiter(Context.Run.Scheduler)).YieldAsync();
            }
            failed = false;
        }
        finally
        {
            if (items is not null) await DisposeAsync(items, item, failed ? null : ticket, failed, Context.Out != outBefore);
        }
        if (Volatile.Read(ref stopped)) ticket?.Cut();
        ticket?.Settle(Outcome.Skipped);
    }

    void IUpstream.Stop()
    {
        Volatile.Write(ref stopped, true);
        Stop();
    }

    /// <summary>A failure while disposing is the item's, unless there is one already.</summary>
    private async ValueTask DisposeAsync(IAsyncEnumerator<TOut> items, T item, Ticket? ticket, bool failed, bool isPartial)
    {
        try
        {
            await items.DisposeAsync();
        }
        catch (Exception e) when (!failed)
        {
            throw Context.Failure(e, item, ticket, isPartial);
        }
        catch (Exception)
        {
            // The item's first failure is on its way up, and says more.
        }
    }
}
