namespace Sluice;

/// <summary>
/// One work item at a time: first on the thread that starts the run, until everything rests or waits for the outside
/// world, then on the pool whenever something comes in.
/// </summary>
/// <remarks>
/// While it executes, it is the synchronization context: user code that awaits comes back to it, so that no two pieces
/// of a run ever overlap. Locking rule: the queue under the lock, execution outside; <c>draining</c> says who executes.
/// </remarks>
internal sealed class SerialScheduler : RunScheduler, IThreadPoolWorkItem
{
    private readonly Lock sync = new();
    private readonly Queue<IThreadPoolWorkItem> queue = new(4);
    private readonly SerialContext context;
    private bool draining = true;                    // until Drive is called, nothing runs

    public SerialScheduler() => context = new(this);

    public override bool IsSerial => true;

    public override void Schedule(IThreadPoolWorkItem work)
    {
        lock (sync)
        {
            queue.Enqueue(work);
            if (draining) return;
            draining = true;
        }
        System.Threading.ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    public override void Drive()
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

    void IThreadPoolWorkItem.Execute() => Drive();

    private IThreadPoolWorkItem? Take()
    {
        lock (sync)
        {
            if (queue.TryDequeue(out IThreadPoolWorkItem? work)) return work;
            draining = false;
            return null;
        }
    }
}
