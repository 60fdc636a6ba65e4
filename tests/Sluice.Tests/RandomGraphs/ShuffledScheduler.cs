namespace Sluice.Tests.RandomGraphs;

/// <summary>One work item at a time, on the thread that asks for it, and always a random one of those that wait: a seed repeats a run exactly.</summary>
internal sealed class ShuffledScheduler : RunScheduler
{
    private readonly object sync = new();        // not a Lock: it is waited on
    private readonly List<IThreadPoolWorkItem> waiting = [];
    private readonly SerialContext context;
    private readonly Random random;

    public ShuffledScheduler(int seed) => (random, context) = (new Random(seed), new SerialContext(this));

    public override bool IsSerial => true;

    public override void Schedule(IThreadPoolWorkItem work)
    {
        lock (sync)
        {
            waiting.Add(work);
            Monitor.Pulse(sync);
        }
    }

    /// <summary>Executes until nothing waits.</summary>
    public void ExecuteAll()
    {
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        try
        {
            while (Take() is { } work) work.Execute();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    /// <summary>Waits until there is something to execute, brought in by another thread.</summary>
    /// <returns>Whether there is.</returns>
    public bool WaitForWork(TimeSpan limit)
    {
        lock (sync) return waiting.Count > 0 || Monitor.Wait(sync, limit);
    }

    private IThreadPoolWorkItem? Take()
    {
        lock (sync)
        {
            if (waiting.Count == 0) return null;
            int at = random.Next(waiting.Count);
            IThreadPoolWorkItem work = waiting[at];
            waiting[at] = waiting[^1];
            waiting.RemoveAt(waiting.Count - 1);
            return work;
        }
    }
}
