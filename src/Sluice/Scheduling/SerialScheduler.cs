namespace Sluice.Scheduling;

/// <summary>
/// Executes one work item at a time: first on the thread that starts the run, until no work is left; afterwards on the thread pool,
/// whenever work comes in.
/// </summary>
/// <remarks>
/// While it executes, it sets the synchronization context, so that awaiting user code resumes here and no two pieces of a run overlap. User
/// code that blocks on its own asynchronous code then waits for itself. Without a context, awaiting user code resumes on the thread pool.
/// The queue is under a lock on this object, which is internal. Work executes outside of it; <c>draining</c> says that a thread executes.
/// </remarks>
internal sealed class SerialScheduler : RunScheduler, IThreadPoolWorkItem
{
    private readonly SerialContext? context;
    private IThreadPoolWorkItem? next;               // the head of the queue; `others` is made on demand
    private Queue<IThreadPoolWorkItem>? others;
    private bool draining = true;                    // true at first: nothing runs before Drive
    private int drivers;                             // number of forsaken drivers; a driver with an older number ends

    /// <param name="run">Takes the exceptions of posted callbacks.</param>
    public SerialScheduler(ITakesFailures run) => context = new(this, run);

    private SerialScheduler() { }

    public static SerialScheduler WithoutContext() => new();

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
