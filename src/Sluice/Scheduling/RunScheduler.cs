using Sluice.Scheduling;

namespace Sluice;

/// <summary>Executes the work items of a run. The default is <see cref="ThreadPool"/>.</summary>
/// <remarks>
/// A scheduler may execute several work items of a run at the same time, unless <see cref="IsSerial"/>. Work items do not throw.
/// </remarks>
public abstract class RunScheduler
{
    /// <summary>The scheduler on the .NET thread pool.</summary>
    public static RunScheduler ThreadPool { get; } = new PoolScheduler();

    /// <summary>
    /// Whether at most one work item runs at a time, in an order that depends only on the calls to <see cref="Schedule"/>. The engine then
    /// sizes its batches without measuring time, so that runs are repeatable.
    /// </summary>
    /// <remarks>
    /// Code of the user that awaits something returns to the scheduler only if the scheduler sets a <see cref="SynchronizationContext"/>
    /// while it executes work.
    /// </remarks>
    public virtual bool IsSerial => false;

    /// <summary>Executes a work item later or on another thread, never before this method has returned. Thread-safe.</summary>
    /// <remarks>
    /// It must not throw, and it must accept work until each run has ended, also after a cancellation. If it throws, the work is lost, the
    /// run waits for it without end, and the exception appears where something woke the run: in a push, a cancellation or a timer.
    /// </remarks>
    /// <param name="work">The work item; executed once.</param>
    public abstract void Schedule(IThreadPoolWorkItem work);

    /// <summary>Schedules work that this thread should preferably do itself, as soon as it has nothing else to do.</summary>
    internal virtual void HandOff(IThreadPoolWorkItem work) => Schedule(work);

    /// <summary>
    /// Executes the scheduled work on the calling thread, for schedulers that work that way. Called when a run starts, and when it is
    /// disposed before its end.
    /// </summary>
    /// <remarks>
    /// Returns when no work is left for now. The default does nothing. It also does nothing while this or another thread is driving
    /// already.
    /// </remarks>
    public virtual void Drive() { }

    /// <summary>Replaces the driving thread, because user code holds it that no longer matters to the run.</summary>
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
