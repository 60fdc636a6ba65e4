namespace Sluice;

/// <summary>What drives an island: the stages that are fused into one chain of calls.</summary>
/// <remarks>Started once by the run. A failure ends the run; so does nothing else.</remarks>
internal abstract class Pump(Run run, int node) : IThreadPoolWorkItem
{
    private volatile bool waiting;

    public Run Run => run;

    /// <summary>The first node of the island.</summary>
    public int Node => node;

    /// <summary>Whether it waits for input; any thread.</summary>
    public bool IsWaiting
    {
        get => waiting;
        protected set => waiting = value;
    }

    /// <summary>Whether it has come to its end; any thread.</summary>
    public bool IsEnded { get; private set; }

    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

    /// <summary>Moves items until the input ends.</summary>
    protected abstract ValueTask PumpAsync();

    private async Task RunAsync()
    {
        try
        {
            run.ThrowIfStopping();
            await PumpAsync();
        }
        catch (Exception e)
        {
            run.Fail(e, node);
        }
        IsEnded = true;
        run.PumpEnded();
    }
}
