using System.Runtime.CompilerServices;
using Sluice.Diagnostics;
using Sluice.Policies;
using Sluice.Scheduling;

namespace Sluice.Processes;

/// <summary>The output of a stage of worker processes: pushes the results of items, in the items' order or as they end.</summary>
/// <remarks>
/// Calls are in a lock-free queue. If order is kept, a call enters when its item comes, and is taken once it has ended; otherwise it enters
/// when it has ended. The stage or the thread that ends a call adds it; the pump takes it.
/// </remarks>
internal sealed class ProcessOutput<TIn, TOut> : Pump
{
    private const int CallsPerTurn = 256;

    private readonly StageContext context;
    private readonly StageOptions options;
    private readonly Inlet<TOut> next;
    private readonly Waiter consumer;
    private WorkCall<TIn, TOut> first = new(default!, null, 0);  // already taken; its successor is next
    private WorkCall<TIn, TOut> last;
    private readonly OpenSpans spans = new();
    private volatile bool hasInputEnded;
    private int held;

    public ProcessOutput(StageContext context, StageOptions options, Inlet<TOut> next) : base(context.Run, context.Node)
    {
        (this.context, this.options, this.next) = (context, options, next);
        last = first;
        consumer = new(Run.Scheduler);
        Room = new(Run.Scheduler);
    }

    /// <summary>For the stage, which waits here while too many items are held.</summary>
    public Waiter Room { get; }

    /// <summary>The number of items at which the stage waits. Set before the run starts.</summary>
    public int MaxHeld { get; set; }

    /// <summary>Whether no item waits for a worker. Set before the run starts.</summary>
    public Func<bool>? IsHungry { private get; set; }

    /// <summary>The number of items that have come in and not gone on.</summary>
    public int Held => Volatile.Read(ref held);

    /// <summary>Adds an item; called by the stage.</summary>
    public void Enter(WorkCall<TIn, TOut> call)
    {
        if (call.Span is { } span) spans.Add(span);
        Interlocked.Increment(ref held);
        if (options.Ordered) Add(call);
    }

    /// <summary>
    /// Notes that an item has its results or its failure. Any thread; call <see cref="Wake"/> afterwards, once for several.
    /// </summary>
    public void Ended(WorkCall<TIn, TOut> call)
    {
        if (call.Span is { } span) spans.End(span, call.Failure);
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
        spans.Stop();
        consumer.Wake();
        Room.Wake();
    }

    /// <summary>
    /// No item waits for a worker any more. The stage goes on before half of its room is free: items behind a slow one may be held for
    /// long, and workers may be idle.
    /// </summary>
    public void NoneWaits()
    {
        if (Room.IsArmed && Held < MaxHeld) Room.Wake();
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
                    // Its root item has the failure.
                }
                Interlocked.Decrement(ref held);
                if (Room.IsArmed && (Held <= MaxHeld / 2 || IsHungry!())) Room.Wake();
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
            Run.ThrowIfStopping();
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
        first.Behind = null;                         // so that old calls do not keep new ones alive
        first = ready;
        return ready;
    }

    private void Add(WorkCall<TIn, TOut> call)
    {
        WorkCall<TIn, TOut> before = Interlocked.Exchange(ref last, call);
        Volatile.Write(ref before.Behind, call);
    }
}
