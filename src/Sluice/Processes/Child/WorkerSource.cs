using System.Diagnostics;
using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Topologies;

namespace Sluice.Processes;

/// <summary>The source of a worker's body: the items that the parent sends.</summary>
internal sealed class WorkerSource<T>(StageOptions options) : LeafSource<T>(options)
{
    public const string KindName = "items";

    private protected override string Kind => KindName;

    private protected override Source<T> With(StageOptions annotated) => new WorkerSource<T>(annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next)
        => context.Run.Options.Following is { Feeder: WorkerIntake<T> intake } ? new WorkerPump<T>(context, next, intake)
        : throw new InvalidTopologyException("The body of worker processes is run by them only.");
}

/// <summary>Pushes received items, until no more will come.</summary>
internal sealed class WorkerPump<T> : SourcePump<T>
{
    private readonly WorkerIntake<T> intake;
    private List<(WorkerItem Item, T Value)> batch = [];

    public WorkerPump(StageContext context, Inlet<T> next, WorkerIntake<T> intake) : base(context, next)
    {
        this.intake = intake;
        intake.Wake = WakeUp;
    }

    protected override async ValueTask ProduceAsync()
    {
        while (!IsStopped && !intake.IsOver)
        {
            if (!intake.TryTake(ref batch))
            {
                Flush();
                Outside.Arm();
                if ((intake.HasNews || IsStopped) && Outside.Disarm()) continue;
                IsWaiting = true;
                await Outside.WaitAsync();
                IsWaiting = false;
                continue;
            }
            for (int at = 0; at < batch.Count;)
            {
                try
                {
                    ValueTask pushed = PushSome(ref at);
                    if (pushed.IsCompletedSuccessfully) continue;
                    Flush();
                    await pushed;
                }
                catch (PipelineException e) when (e.IsKept)
                {
                    // The item's answer has the failure.
                }
            }
            batch.Clear();
        }
    }

    /// <summary>Pushes items until the end of the batch, or until a push has to wait.</summary>
    private ValueTask PushSome(ref int at)
    {
        while (at < batch.Count)
        {
            Run.ThrowIfStopping();
            var (item, value) = batch[at++];
            Context.Out++;
            ValueTask pushed = item.Trace is { } trace ? PushTraced(value, item, trace) : Next.PushAsync(value, item);
            if (!pushed.IsCompletedSuccessfully) return pushed;
        }
        return default;
    }

    // Its span is current in the code of the nodes, unless they are on other threads or have spans of their own.
    private ValueTask PushTraced(T value, WorkerItem item, Activity trace)
    {
        Activity? outer = Activity.Current;
        Activity.Current = trace;
        try
        {
            return Next.PushAsync(value, item);
        }
        finally
        {
            Activity.Current = outer;
        }
    }
}
