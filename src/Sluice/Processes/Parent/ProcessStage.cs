using System.Diagnostics;
using Sluice.Diagnostics;

namespace Sluice.Processes;

/// <summary>The entrance of a stage of worker processes: puts each item into the pool's queue and the output's queue.</summary>
internal sealed class ProcessStage<TIn, TOut> : Inlet<TIn>, IUpstream, IBoundary
{
    private const int ItemsPerAnnouncement = 32;

    private readonly StageContext context;
    private readonly PipelineRun run;
    private readonly WorkerPool<TIn, TOut> pool;
    private readonly ProcessOutput<TIn, TOut> output;
    private long number;
    private int unannounced;
    private readonly BlockedClock blocked;

    public ProcessStage(RunBuilder builder, StageContext context, WorkerPool<TIn, TOut> pool, ProcessOutput<TIn, TOut> output,
        Inlet<TOut> next)
    {
        (this.context, this.pool, this.output) = (context, pool, output);
        run = builder.Run;
        blocked = new(run.Time);
        Node = context.Node;
        output.MaxHeld = builder.IsMultiThread ? run.Options.MaxBufferedItems : 1;
        next.Attach(this);
        run.Add(output);
        run.Nodes.Add(pool);
        run.Boundaries.Add(this);
    }

    public int From { get; private set; } = -1;

    public int Count => output.Held;

    public bool IsBlocked => output.Room.IsArmed;

    public TimeSpan BlockedTime => blocked.Time;

    public bool HoldsUnannounced => Volatile.Read(ref unannounced) > 0;

    public override void ComesFrom(int from) => From = from;

    public void Stop() => Upstream?.Stop();

    public void WakeConsumer() => Announce();

    public void Abort()
    {
        output.Abort();
        pool.Stop();
    }

    public override void Flush() => Announce();

    public override ValueTask PushAsync(TIn item, Ticket? ticket)
    {
        context.In++;
        var call = new WorkCall<TIn, TOut>(item, ticket, ++number) { Span = ticket?.Trace is { } trace ? Begin(trace) : null };
        output.Enter(call);
        pool.Enqueue(call);
        int held = Interlocked.Increment(ref unannounced);
        if (held >= ItemsPerAnnouncement || run.Scheduler.IsSerial) Announce();
        else if (held == 1) run.Watchdog.Watch();
        return output.Held < output.MaxHeld ? default : WaitAsync();
    }

    protected override ValueTask OnCompleteAsync()
    {
        Announce();
        output.InputHasEnded();
        return default;
    }

    private Activity? Begin(Activity trace)
    {
        string name = run.NameOf(Node);
        return Telemetry.Start("sluice.node", $"node {name}", parent: trace.Context, tags: [new(TelemetryNames.Node, name)]);
    }

    private void Announce()
    {
        if (Interlocked.Exchange(ref unannounced, 0) > 0) pool.Announce();
    }

    private async ValueTask WaitAsync()
    {
        Announce();
        blocked.Begin();
        try
        {
            while (output.Held >= output.MaxHeld)
            {
                output.Room.Arm();
                if ((output.Held >= output.MaxHeld && !run.IsStopping) || !output.Room.Disarm()) await output.Room.WaitAsync();
                run.ThrowIfStopping();
            }
        }
        finally
        {
            blocked.End();
        }
    }
}
