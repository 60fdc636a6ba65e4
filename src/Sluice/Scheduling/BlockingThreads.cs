namespace Sluice;

/// <summary>Threads for work that blocks them: a work item has one at once, whatever the others do. Threads are kept for some time and used again.</summary>
/// <remarks>Locking rule: the list of idle threads under <c>sync</c>, what a thread is given under its <c>given</c>, taken inside of <c>sync</c> only where it is given; work is executed outside of both. How many there are is bounded by those who schedule: one for each lane that works.</remarks>
internal sealed class BlockingThreads : RunScheduler
{
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(20);

    private readonly object sync = new();
    private readonly List<Worker> idle = [];         // the last one has worked last

    public static BlockingThreads OfProcess { get; } = new();

    public override void Schedule(IThreadPoolWorkItem work)
    {
        lock (sync)
        {
            if (idle.Count > 0)
            {
                Worker last = idle[^1];
                idle.RemoveAt(idle.Count - 1);
                last.Give(work);
                return;
            }
        }
        new Thread(new Worker(this, work).Run) { IsBackground = true, Name = "sluice blocking" }.UnsafeStart();
    }

    private sealed class Worker(BlockingThreads owner, IThreadPoolWorkItem first)
    {
        private readonly object given = new();
        private IThreadPoolWorkItem? next = first;

        /// <summary>It is in no list any more.</summary>
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
                lock (owner.sync) owner.idle.Add(this);
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
                if (owner.idle.Remove(this)) return null;        // nobody will give it anything any more
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
