using Sluice.Diagnostics;

namespace Sluice.Scheduling;

/// <summary>
/// A scheduler that gives each work item a thread at once, for work that blocks. Idle threads are kept for 20 seconds and reused. Where the
/// system gives no more threads, the work waits for one of these threads. If there is none, the thread pool does one work item at a time.
/// </summary>
/// <remarks>
/// Work that blocks may wait for work of the thread pool, which cannot grow either: it must not have all threads of the pool.
/// The lists of idle threads and of waiting work, and the number of threads, are under <c>sync</c>; the work given to a thread is under its
/// <c>given</c>, which is taken inside of <c>sync</c> only to give. Work executes outside of both. The callers bound the number of threads:
/// one for each lane that works.
/// </remarks>
/// <param name="start">Starts a thread; null for the usual way.</param>
internal sealed class BlockingThreads(Action<Thread>? start = null) : RunScheduler, IThreadPoolWorkItem
{
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(20);

    private readonly Lock sync = new();
    private readonly List<Worker> idle = [];         // the most recently used one is last
    private readonly Action<Thread> start = start ?? (static thread => thread.UnsafeStart());
    private readonly Queue<IThreadPoolWorkItem> waiting = [];       // empty while a thread is idle
    private int threads;                             // also those that are being started
    private bool isInPool;                           // this is in the thread pool, for the waiting work
    private bool hasWarned;

    public static BlockingThreads OfProcess { get; } = new();

    public override void Schedule(IThreadPoolWorkItem work)
    {
        lock (sync)
        {
            if (TryGive(work)) return;
            threads++;
        }
        try
        {
            start(new Thread(new Worker(this, work).Run) { IsBackground = true, Name = "sluice blocking" });
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            // Schedule must not throw: the run would wait for the lost work without end.
            lock (sync)
            {
                threads--;
                if (!TryGive(work)) waiting.Enqueue(work);
                PassToPool();                        // also earlier work, which waited for this thread
            }
            Warn(e);
        }
    }

    /// <summary>Does one item of the waiting work, in the thread pool.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        IThreadPoolWorkItem? work;
        lock (sync) waiting.TryDequeue(out work);
        work?.Execute();
        lock (sync)
        {
            isInPool = false;
            PassToPool();
        }
    }

    private void PassToPool()
    {
        if (isInPool || threads > 0 || waiting.Count == 0) return;
        isInPool = true;
        ThreadPool.Schedule(this);
    }

    private bool TryGive(IThreadPoolWorkItem work)
    {
        if (idle.Count == 0) return false;
        Worker last = idle[^1];
        idle.RemoveAt(idle.Count - 1);
        last.Give(work);
        return true;
    }

    private void Warn(Exception why)
    {
        if (Interlocked.Exchange(ref hasWarned, true)) return;
        Warnings.Tell($"The system gives this process no more threads ({why.Message}). Lanes of Stage.Blocking() that have no thread of "
            + "their own wait until another lane leaves its thread. Use fewer lanes, or raise the limit of threads (pids.max of the "
            + "container, ulimit -u).");
    }

    private sealed class Worker(BlockingThreads owner, IThreadPoolWorkItem first)
    {
        private readonly object given = new();
        private IThreadPoolWorkItem? next = first;

        /// <summary>Gives work to a thread that is no longer in the idle list.</summary>
        public void Give(IThreadPoolWorkItem work)
        {
            lock (given)
            {
                next = work;
                Monitor.Pulse(given);
            }
        }

        public void Run()
        {
            while (Take() is { } work)
            {
                work.Execute();
                lock (owner.sync)
                    if (owner.waiting.TryDequeue(out IThreadPoolWorkItem? other)) next = other;
                    else owner.idle.Add(this);
            }
        }

        private IThreadPoolWorkItem? Take()
        {
            lock (given)
            {
                if (next is null) Monitor.Wait(given, Kept);
                if (TakeGiven() is { } work) return work;
            }
            lock (owner.sync)
            {
                if (owner.idle.Remove(this))
                {
                    owner.threads--;
                    return null;                     // no longer in the list, so it gets no more work
                }
            }
            lock (given)
            {
                while (next is null) Monitor.Wait(given);
                return TakeGiven();
            }
        }

        private IThreadPoolWorkItem? TakeGiven()
        {
            IThreadPoolWorkItem? work = next;
            next = null;
            return work;
        }
    }
}
