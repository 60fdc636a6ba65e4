using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>Drives an island: the stages that are fused into one chain of calls.</summary>
/// <remarks>The run starts it once. Its failure ends the run.</remarks>
internal abstract class Pump(PipelineRun run, int node) : IThreadPoolWorkItem, IChained<Pump>
{
    private volatile bool waiting;

    public PipelineRun Run => run;

    /// <summary>The first node of the island.</summary>
    public int Node => node;

    /// <summary>Whether it waits for input. Any thread.</summary>
    public bool IsWaiting
    {
        get => waiting;
        protected set => waiting = value;
    }

    /// <summary>Whether it only waits for code of its source that has not returned; its items are done. Any thread.</summary>
    public bool IsLeaving { get; protected set; }

    /// <summary>Whether it waits only for the code of lanes, which report that code themselves. Any thread.</summary>
    public virtual bool AwaitsLanes => false;

    /// <summary>The first node whose code it calls now: <see cref="Node"/>, unless it completes lanes in front of that. Any
    /// thread.</summary>
    public virtual int CallsFrom => node;

    /// <summary>Whether it has ended. Any thread.</summary>
    public bool IsEnded { get; private set; }

    Pump? IChained<Pump>.Before { get; set; }

    void IThreadPoolWorkItem.Execute()
    {
        Turn turn = Turn.Current;
        bool begins = turn.TryBegin();
        ExecutionContext? outer = run.Enter();
        Start();
        PipelineRun.Leave(outer);
        if (begins) turn.Finish();
    }

    /// <summary>The number of items that earlier runs have sent, and this run leaves out; null if the source does not count.</summary>
    public virtual long? SentBefore => null;

    /// <summary>Whether another thread ends the pump, because this thread has not returned from code of the source.</summary>
    protected virtual bool IsLeft => false;

    /// <summary>Called instead of <see cref="PumpAsync"/> if the run was stopped before the pump began.</summary>
    protected virtual void NeverBegins() { }

    /// <summary>Moves items until the input ends.</summary>
    protected abstract ValueTask PumpAsync();

    private void Start()
    {
        ValueTask pumping;
        try
        {
            if (run.IsStopping)
            {
                NeverBegins();
                throw new RunStoppedException();
            }
            pumping = PumpAsync();
            if (!pumping.IsCompletedSuccessfully)
            {
                _ = RestAsync(pumping);
                return;
            }
        }
        catch (Exception e)
        {
            run.Fail(e, node);
        }
        if (!IsLeft) End();
    }

    private async Task RestAsync(ValueTask pumping)
    {
        try
        {
            await pumping;
        }
        catch (Exception e)
        {
            run.Fail(e, node);
        }
        if (!IsLeft) End();
    }

    /// <summary>Ends the pump. Called once.</summary>
    protected void End()
    {
        IsEnded = true;
        run.PumpEnded();
    }
}
