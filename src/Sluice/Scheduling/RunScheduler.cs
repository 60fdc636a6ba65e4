namespace Sluice;

/// <summary>Where the work of a run is executed. The thread pool, unless a run is given another.</summary>
/// <remarks>
/// A scheduler may run work items of one run at the same time, unless <see cref="IsSerial"/>. Work items do not throw.
/// </remarks>
public abstract class RunScheduler
{
    /// <summary>The .NET thread pool.</summary>
    public static RunScheduler ThreadPool { get; } = new PoolScheduler();

    /// <summary>
    /// Whether at most one work item runs at a time, in an order that depends on nothing but the calls to
    /// <see cref="Schedule"/>. The engine then measures no time to size its batches, so that runs can be repeated exactly.
    /// </summary>
    public virtual bool IsSerial => false;

    /// <summary>Executes the work item, later or on another thread; never before this method has returned. Thread-safe.</summary>
    /// <param name="work">What to execute, once.</param>
    public abstract void Schedule(IThreadPoolWorkItem work);

    /// <summary>The same, for work that had best be done by the thread that is here, as soon as it has nothing else to do.</summary>
    internal virtual void HandOff(IThreadPoolWorkItem work) => Schedule(work);

    /// <summary>A run starts, or is disposed while it runs: a scheduler that drives runs on the calling thread does so here, until nothing is left to do for now.</summary>
    /// <remarks>The default does nothing. Does nothing either where the calling thread, or another, is driving already.</remarks>
    public virtual void Drive() { }

    /// <summary>The thread that drives is held up in user code, which does nothing for the run any more: another one takes over.</summary>
    internal virtual void Forsake() { }

    private sealed class PoolScheduler : RunScheduler
    {
        public override void Schedule(IThreadPoolWorkItem work)
            => System.Threading.ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);

        internal override void HandOff(IThreadPoolWorkItem work)
        {
            if (!Turn.TryHandOff(work)) Schedule(work);
        }
    }
}
