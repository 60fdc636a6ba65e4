namespace Sluice;

/// <summary>
/// One work item at a time: first on the thread that starts the run, until everything rests or waits for the outside
/// world, then on the pool whenever something comes in.
/// </summary>
/// <remarks>
/// While it executes, it is the synchronization context: user code that awaits comes back to it, so that no two pieces
/// of a run ever overlap. Locking rule: the queue under a lock on this object, which users never see; execution outside;
/// <c>draining</c> says who executes.
/// </remarks>
internal sealed class SerialScheduler : RunScheduler, IThreadPoolWorkItem
{
    private readonly SerialContext context;
    private IThreadPoolWorkItem? next;               // the first of the queue; the others, where there ever are some, behind it
    private Queue<IThreadPoolWorkItem>? others;
    private bool draining = true;                    // until Drive is called, nothing runs
    private int drivers;                             // the last one drives; those before it were forsaken

    /// <param name="failed">Called with what a posted callback throws.</param>
    public SerialScheduler(Action<Exception> failed) => context = new(this, failed);

    public override bool IsSerial => true;

    public override void Schedule(IThreadPoolWorkItem work)
    {
        lock (this)
        {
            if (next is null) next = work;
            else (others ??= new()).Enqueue(work);
            if (draining) return;
            draining = true;
        }
        System.Threading.ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    public override void Drive()
    {
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        int driver;
        lock (this) driver = drivers;
        try
        {
            while (Take(driver) is { } work) work.Execute();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    internal override void Forsake()
    {
        lock (this) drivers++;
        System.Threading.ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute() => Drive();

    private IThreadPoolWorkItem? Take(int driver)
    {
        lock (this)
        {
            if (driver != drivers) return null;
            IThreadPoolWorkItem? work = next;
            if (work is null) draining = false;
            else if (others is null || !others.TryDequeue(out next)) next = null;
            return work;
        }
    }
}
