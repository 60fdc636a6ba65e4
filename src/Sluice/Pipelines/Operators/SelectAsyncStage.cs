using System.Threading.Tasks.Sources;

namespace Sluice.Pipelines;

/// <summary>One asynchronous map. It is itself what its caller awaits, so that an item that suspends allocates nothing of ours.</summary>
/// <remarks>
/// Pushes to one inlet never overlap, so one wait is enough. A caller that finds the wait completed when he looks need not
/// ask for its result: the next wait begins anew.
/// </remarks>
internal sealed class SelectAsyncStage<T, TOut> : Stage<T, TOut>, IValueTaskSource
{
    private readonly Action resume;
    private ManualResetValueTaskSourceCore<bool> wait;
    private ValueTaskAwaiter<TOut> pending;
    private T? item;
    private Ticket? ticket;

    public SelectAsyncStage(StageContext context, Inlet<TOut> next, Func<T, CancellationToken, ValueTask<TOut>> function)
        : base(context, next)
    {
        Function = function;
        resume = Resume;
    }

    public Func<T, CancellationToken, ValueTask<TOut>> Function { get; }

    public override bool HandsOn => Next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        TOut result;
        try
        {
            ValueTask<TOut> called = Function(item, Context.Token);
            if (!called.IsCompletedSuccessfully) return WaitFor(called, item, ticket);
            result = called.Result;
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        Context.Out++;
        return Next.PushAsync(result, ticket);
    }

    void IValueTaskSource.GetResult(short token) => wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => wait.GetStatus(token);

    // Resume comes back in the context in which the function was called: there is no need to go through it twice.
    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => wait.OnCompleted(continuation, state, token, ValueTaskSourceOnCompletedFlags.None);

    private ValueTask WaitFor(ValueTask<TOut> called, T item, Ticket? ticket)
    {
        (this.item, this.ticket, pending) = (item, ticket, called.GetAwaiter());
        wait.Reset();
        Context.IsSuspended = true;
        short version = wait.Version;
        pending.UnsafeOnCompleted(resume);
        return new ValueTask(this, version);
    }

    // Awaited without a flow of execution, which is the run's for whatever follows.
    private void Resume()
    {
        ExecutionContext? outer = Context.Run.Enter();
        GoOn();
        PipelineRun.Leave(outer);
    }

    private void GoOn()
    {
        (T item, Ticket? ticket) = (this.item!, this.ticket);
        (this.item, this.ticket) = (default, null);
        Context.IsSuspended = false;
        try
        {
            TOut result;
            try
            {
                result = pending.GetResult();
            }
            catch (Exception e)
            {
                throw Context.Failure(e, item, ticket);
            }
            Context.Out++;
            ValueTask pushed = Next.PushAsync(result, ticket);
            if (pushed.IsCompletedSuccessfully) wait.SetResult(true);
            else _ = FinishAsync(pushed);
        }
        catch (Exception e)
        {
            wait.SetException(e);
        }
    }

    private async Task FinishAsync(ValueTask pushed)
    {
        try
        {
            await pushed;
        }
        catch (Exception e)
        {
            wait.SetException(e);
            return;
        }
        wait.SetResult(true);
    }
}
