namespace Sluice;

/// <summary>What drives an island: the stages that are fused into one chain of calls.</summary>
/// <remarks>Started once by the run. A failure ends the run; so does nothing else.</remarks>
internal abstract class Pump(PipelineRun run, int node) : IThreadPoolWorkItem, IChained<Pump>
{
    private volatile bool waiting;

    public PipelineRun Run => run;

    /// <summary>The first node of the island.</summary>
    public int Node => node;

    /// <summary>Whether it waits for input; any thread.</summary>
    public bool IsWaiting
    {
        get => waiting;
        protected set => waiting = value;
    }

    /// <summary>Whether all it had to do is done, and it only waits for code of its source that has not come back; any thread.</summary>
    public bool IsLeaving { get; protected set; }

    /// <summary>Whether it has come to its end; any thread.</summary>
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

    /// <summary>Whether another thread ends it, because this one had not come back from code of the source.</summary>
    protected virtual bool IsLeft => false;

    /// <summary>The run was stopped before it began.</summary>
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

    /// <summary>It has ended; once.</summary>
    protected void End()
    {
        IsEnded = true;
        run.PumpEnded();
    }
}
