using Sluice.Scheduling;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>Runs a multi-threaded graph on the test's thread, in queue order, and only when the test calls
/// <see cref="RunUntilIdle"/>.</summary>
/// <remarks>It is also the synchronization context, so that user code continues on it after an await.</remarks>
internal sealed class QueueScheduler : RunScheduler
{
    private readonly Lock sync = new();
    private readonly Queue<Action> queue = new();
    private readonly Context context;

    /// <param name="isSerial">Whether the engine may rely on serial execution; otherwise it treats this scheduler as a pool.</param>
    public QueueScheduler(bool isSerial = true) => (context, IsSerial) = (new(this), isSerial);

    public override bool IsSerial { get; }

    public override void Schedule(IThreadPoolWorkItem work) => Add(work.Execute);

    /// <summary>The number of work items that were taken from the queue.</summary>
    public int Executed { get; private set; }

    /// <summary>The number of work items that skipped the queue, because the thread that handed them off executes them itself.</summary>
    public int HandedOff { get; private set; }

    internal override void HandOff(IThreadPoolWorkItem work)
    {
        if (Turn.TryHandOff(work)) HandedOff++;
        else Schedule(work);
    }

    public override void Drive() => RunUntilIdle();

    /// <summary>Runs all ready work, and the work that it makes ready, on the calling thread.</summary>
    public void RunUntilIdle()
    {
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        try
        {
            for (; Take() is { } work; Executed++) work();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    private void Add(Action work)
    {
        lock (sync) queue.Enqueue(work);
    }

    private Action? Take()
    {
        lock (sync) return queue.TryDequeue(out Action? work) ? work : null;
    }

    private sealed class Context(QueueScheduler owner) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => owner.Add(() => d(state));

        public override SynchronizationContext CreateCopy() => this;
    }
}
