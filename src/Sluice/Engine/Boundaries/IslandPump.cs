using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>
/// Drives an island from its boundaries: takes items from their rings and pushes them into the stages fused behind them.
/// One boundary behind a buffer, several before a fan-in.
/// </summary>
internal sealed class IslandPump : Pump
{
    private const int RoundsPerTurn = 16;

    private readonly List<RingDrain> drains = [];

    public IslandPump(PipelineRun run, int node) : base(run, node) => Waiter = new Waiter(run.Scheduler);

    /// <summary>The waiter that the producers wake.</summary>
    public Waiter Waiter { get; }

    /// <summary>Adds a boundary whose items go to <paramref name="inlet"/>. Called while the run is built.</summary>
    public Boundary<T> AddInput<T>(Inlet<T> inlet, int capacity)
    {
        var ring = new Ring<T>(capacity);
        var boundary = new Boundary<T>(Run, ring, Waiter, inlet.Node);
        inlet.Attach(boundary);
        drains.Add(new RingDrain<T>(Run, ring, boundary, inlet));
        return boundary;
    }

    protected override async ValueTask PumpAsync()
    {
        int open = drains.Count, rounds = 0;
        while (open > 0)
        {
            bool progress = false;
            foreach (RingDrain drain in drains)
            {
                if (drain.IsDone) continue;
                ValueTask pending = drain.DrainAsync(ref progress);
                if (!pending.IsCompletedSuccessfully)
                {
                    drain.Flush();
                    await pending;
                }
                if (!drain.IsExhausted) continue;
                await drain.CompleteAsync();
                open--;
                progress = true;
            }
            if (progress)
            {
                if (++rounds < RoundsPerTurn) continue;
                rounds = 0;
                await Waiter.YieldAsync();           // the producer of another input may need this thread
                continue;
            }
            foreach (RingDrain drain in drains) drain.Flush();
            if (!StartWaiting()) continue;
            await Waiter.WaitAsync();
            IsWaiting = false;
            Run.ThrowIfStopping();
        }
    }

    /// <returns>Whether the pump must wait.</returns>
    private bool StartWaiting()
    {
        Waiter.Arm();
        bool work = Run.IsStopping;
        foreach (RingDrain drain in drains) work |= drain.HasWork;
        if (work && Waiter.Disarm())
        {
            Run.ThrowIfStopping();
            return false;
        }
        IsWaiting = true;
        return true;
    }
}
