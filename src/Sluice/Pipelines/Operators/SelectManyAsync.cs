using Sluice.Scheduling;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Turns every item into any number of others, asynchronously. The same as <c>source | function</c>.</summary>
    /// <remarks>When the run is cancelled, or when no more items are wanted (<c>Take</c>, <c>Zip</c>, <c>Timeout</c> with <c>end</c>), the
    /// token is cancelled and the sequence is not read further. The run waits for a sequence that ignores its token. A drain lets the
    /// sequence come to its end. When no more items are wanted, a sequence may answer with an <see cref="OperationCanceledException"/>,
    /// also from its disposal. If it throws another exception at its next item, the run warns. If its disposal throws one, the item
    /// fails.</remarks>
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
    private CancellationTokenSource? enough;         // cancelled with `over`, and by Stop; not disposed, because Stop may come later
    private CancellationToken over;                  // the run's token, or the attempt's token

    /// <summary>Whether no more items are wanted, and the run goes on. The token is cancelled.</summary>
    private bool IsEnough => Volatile.Read(ref stopped) && !Context.Run.IsStopping;

    public override async ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        CancellationToken cancellation = Token();
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
                    items ??= function(item, cancellation).GetAsyncEnumerator(cancellation);
                    ValueTask<bool> next = items.MoveNextAsync();
                    if (!next.IsCompleted)
                    {
                        Context.IsSuspended = true;
                        Next.Flush();                // about to wait: what came out so far is not to wait as well
                    }
                    if (!await next) break;
                    Context.IsSuspended = false;
                    result = items.Current;
                }
                catch (Exception e) when (IsEnough)
                {
                    if (e is not OperationCanceledException) Warn(e);
                    break;
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
        if (Volatile.Read(ref stopped)) (ticket ?? Context.Ticket)?.Cut();
        ticket?.Settle(Outcome.Skipped);
    }

    void IUpstream.Stop()
    {
        Volatile.Write(ref stopped, true);
        Interlocked.MemoryBarrier();                 // before the read of `enough`
        Context.Run.CancelQuietly(Volatile.Read(ref enough));
        Stop();
    }

    /// <summary>The token for the sequence. One for the whole run, unless each attempt has its own.</summary>
    private CancellationToken Token()
    {
        CancellationToken now = Context.Token;
        if (enough is { } known && now == over) return known.Token;
        over = now;
        var made = CancellationTokenSource.CreateLinkedTokenSource(now);
        Interlocked.Exchange(ref enough, made);      // before the read of `stopped`
        if (Volatile.Read(ref stopped)) Context.Run.CancelQuietly(made);
        return made.Token;
    }

    /// <summary>Warns of a sequence that answers its cancelled token with another exception than a cancellation.</summary>
    private void Warn(Exception answer) => Context.Run.WarnOnce(Node, name
        => $"'{name}' has cancelled its sequence, because no more items are wanted. The sequence answered with another exception than an "
            + $"OperationCanceledException: {FailureText.Of(answer)} The run goes on.");

    /// <summary>A failure while disposing is the item's, unless there is one already. A cancellation answers the token.</summary>
    private async ValueTask DisposeAsync(IAsyncEnumerator<TOut> items, T item, Ticket? ticket, bool failed, bool isPartial)
    {
        try
        {
            ValueTask disposed = items.DisposeAsync();
            Context.IsSuspended = !disposed.IsCompleted;
            await disposed;
        }
        catch (OperationCanceledException) when (IsEnough)
        {
            // what the disposal did with the token was cut off
        }
        catch (Exception e) when (!failed)
        {
            throw Context.Failure(e, item, ticket, isPartial);
        }
        catch (Exception)
        {
            // The item's first failure is on its way up, and says more.
        }
        finally
        {
            Context.IsSuspended = false;
        }
    }
}
