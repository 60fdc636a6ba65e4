using Sluice.Scheduling;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>Runs a multi-threaded graph on the test's thread, in the order of the queue, and only when told to: what rests, rests for
/// certain.</summary>
/// <remarks>It is the synchronization context of what it runs, so that user code which awaits comes back to it.</remarks>
internal sealed class QueueScheduler : RunScheduler
{
    private readonly Lock sync = new();
    private readonly Queue<Action> queue = new();
    private readonly Context context;

    /// <param name="isSerial">Whether the engine may know; otherwise it takes this for a pool, of one thread.</param>
    public QueueScheduler(bool isSerial = true) => (context, IsSerial) = (new(this), isSerial);

    public override bool IsSerial { get; }

    public override void Schedule(IThreadPoolWorkItem work) => Add(work.Execute);

    /// <summary>How much was taken from the queue.</summary>
    public int Executed { get; private set; }

    /// <summary>How much did not have to wait in it, because whoever handed it off goes on with it.</summary>
    public int HandedOff { get; private set; }

    internal override void HandOff(IThreadPoolWorkItem work)
    {
        if (Turn.TryHandOff(work)) HandedOff++;
        else Schedule(work);
    }

    public override void Drive() => RunUntilIdle();

    /// <summary>Runs everything that is ready, and what that makes ready, on the calling thread.</summary>
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
