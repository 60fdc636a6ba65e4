using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>The output of a stage of worker processes: pushes what came of items, in their order or as they end.</summary>
/// <remarks>
/// Calls are in a queue without locks: where order is kept, from when they come, and the first one is taken when it has ended; else from when they have ended. They are added by the stage, or by whoever ends them, and taken by
/// the pump.
/// </remarks>
internal sealed class ProcessOutput<TIn, TOut> : Pump
{
    private const int CallsPerTurn = 256;

    private readonly StageContext context;
    private readonly StageOptions options;
    private readonly Inlet<TOut> next;
    private readonly Waiter consumer;
    private WorkCall<TIn, TOut> first = new(default!, null, 0);  // was taken already: the one behind it is next
    private WorkCall<TIn, TOut> last;
    private volatile bool hasInputEnded;
    private int held;

    public ProcessOutput(StageContext context, StageOptions options, Inlet<TOut> next) : base(context.Run, context.Node)
    {
        (this.context, this.options, this.next) = (context, options, next);
        last = first;
        consumer = new(Run.Scheduler);
        Room = new(Run.Scheduler);
    }

    /// <summary>For the stage, which waits while so many are held as may be.</summary>
    public Waiter Room { get; }

    /// <summary>How many have come and not gone on.</summary>
    public int Held => Volatile.Read(ref held);

    /// <summary>The stage's.</summary>
    public void Enter(WorkCall<TIn, TOut> call)
    {
        Interlocked.Increment(ref held);
        if (options.Ordered) Add(call);
    }

    /// <summary>Its results are there, or why there are none. Any thread; <see cref="Wake"/> afterwards, once for several.</summary>
    public void Ended(WorkCall<TIn, TOut> call)
    {
        call.End();
        if (!options.Ordered) Add(call);
    }

    public void Wake()
    {
        Interlocked.MemoryBarrier();
        consumer.Wake();
    }

    public void InputHasEnded()
    {
        hasInputEnded = true;
        Wake();
    }

    public void Abort()
    {
        consumer.Wake();
        Room.Wake();
    }

    protected override async ValueTask PumpAsync()
    {
        while (true)
        {
            bool isOver = hasInputEnded && Held == 0;
            for (int i = 0; i < CallsPerTurn && TryTake() is { } call; i++)
            {
                Run.ThrowIfStopping();
                try
                {
                    ValueTask emitted = EmitAsync(call);
                    if (!emitted.IsCompletedSuccessfully)
                    {
                        next.Flush();
                        await emitted;
                    }
                }
                catch (PipelineException e) when (e.IsKept)
                {
                    // its root knows of it
                }
                Interlocked.Decrement(ref held);
                if (Room.IsArmed && (Held <= Run.Options.MaxBufferedItems / 2)) Room.Wake();
            }
            Run.ThrowIfStopping();
            if (HasReady)
            {
                await consumer.YieldAsync();
                continue;
            }
            if (isOver) break;
            next.Flush();
            consumer.Arm();
            if ((HasReady || (hasInputEnded && Held == 0) || Run.IsStopping) && consumer.Disarm()) continue;
            IsWaiting = true;
            await consumer.WaitAsync();
            IsWaiting = false;
        }
        await next.CompleteAsync();
    }

    private ValueTask EmitAsync(WorkCall<TIn, TOut> call)
    {
        context.Retried += call.Attempt - 1;
        Ticket? ticket = call.Ticket;
        if (call.Failure is { } cause)
        {
            GiveUp(call, cause);
            return default;
        }
        if (call.HasSkippedFailure)
        {
            context.Failed++;
            ticket?.Add(1);
            ticket?.Settle(Outcome.Failed);
        }
        if (call.Results == 0)
        {
            context.Skipped++;
            ticket?.Settle(Outcome.Skipped);
            return default;
        }
        context.Out += call.Results;
        if (call.Results == 1) return next.PushAsync(call.ResultAt(0), ticket);
        ticket?.Add(call.Results - 1);
        return EmitAllAsync(call, ticket);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask EmitAllAsync(WorkCall<TIn, TOut> call, Ticket? ticket)
    {
        for (int i = 0; i < call.Results; i++)
        {
            ValueTask pushed = next.PushAsync(call.ResultAt(i), ticket);
            if (pushed.IsCompletedSuccessfully) continue;
            next.Flush();
            await pushed;
        }
    }

    private void GiveUp(WorkCall<TIn, TOut> call, Exception cause)
    {
        var failure = new PipelineException(Run.NameOf(Node), call.Item, cause, Node, isAboutItem: true);
        ErrorPolicy policy = call.IsForLetter && options.OnError == ErrorPolicy.Stop ? ErrorPolicy.DeadLetter : options.OnError;
        context.Failed++;
        if (policy == ErrorPolicy.Skip) call.Ticket?.Settle(Outcome.Failed);
        else call.Ticket?.Fail(failure, isFinal: policy == ErrorPolicy.DeadLetter || call.IsPoison, attempts: call.Attempt);
        if (policy == ErrorPolicy.Stop) throw failure;
        if (failure.IsKept || policy == ErrorPolicy.Skip) return;
        Run.AddDeadLetter(FailureText.Letter(failure, call.Attempt, Run.Time.GetUtcNow()));
    }

    private bool HasReady => Volatile.Read(ref first.Behind) is { HasEnded: true };

    private WorkCall<TIn, TOut>? TryTake()
    {
        if (Volatile.Read(ref first.Behind) is not { HasEnded: true } ready) return null;
        first.Behind = null;                         // what is old does not keep alive what is new
        first = ready;
        return ready;
    }

    private void Add(WorkCall<TIn, TOut> call)
    {
        WorkCall<TIn, TOut> before = Interlocked.Exchange(ref last, call);
        Volatile.Write(ref before.Behind, call);
    }
}
