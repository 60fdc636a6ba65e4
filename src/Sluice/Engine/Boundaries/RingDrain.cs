using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>The consuming half of a boundary.</summary>
internal abstract class RingDrain
{
    /// <summary>Whether an item is available and the inlet is ready, or the end has come.</summary>
    public abstract bool HasWork { get; }

    /// <summary>Whether the producer has completed and all items are taken.</summary>
    public abstract bool IsExhausted { get; }

    /// <summary>Whether the end has been passed on.</summary>
    public bool IsDone { get; protected set; }

    public abstract void Flush();

    public abstract ValueTask CompleteAsync();

    /// <summary>Takes the available items and pushes them on, until none is left or a push has to wait.</summary>
    public abstract ValueTask DrainAsync(ref bool progress);
}

internal sealed class RingDrain<T>(PipelineRun run, Ring<T> ring, Boundary<T> boundary, Inlet<T> inlet) : RingDrain
{
    private const int PublishEvery = 64;

    private PaddedIndex drained;                     // the padding keeps data of another island on other cache lines

    public override bool HasWork => ring.Available() > 0 ? inlet.IsReady : !IsDone && boundary.IsCompleted;

    public override bool IsExhausted => boundary.IsCompleted && ring.Available() == 0;

    public override void Flush() => inlet.Flush();

    public override ValueTask CompleteAsync()
    {
        IsDone = true;
        return inlet.CompleteAsync();
    }

    public override ValueTask DrainAsync(ref bool progress)
    {
        int available = ring.Available();
        if (available == 0) return default;
        Turn.Publish();
        if (available == 1 && inlet.HandsOn) return DrainLastAsync(ref progress);
        for (int done = 0; done < available;)
        {
            int batch = Math.Min(available - done, PublishEvery), taken = 0;
            ValueTask pushed = inlet.PullAsync(ring, run, batch, ref taken);
            done += taken;
            drained.Value += taken;
            progress |= taken > 0;
            Publish();
            if (!pushed.IsCompletedSuccessfully) return pushed;
            if (taken < batch) break;                // the inlet is not ready for more
        }
        return default;
    }

    /// <summary>Takes a single item. If this thread then has nothing more to do, it continues behind the next boundary.</summary>
    private ValueTask DrainLastAsync(ref bool progress)
    {
        int taken = 0;
        Turn.BeginLast();
        ValueTask pushed = inlet.PullAsync(ring, run, 1, ref taken);
        Turn.EndLast();
        drained.Value += taken;
        progress |= taken > 0;
        Publish();
        return pushed;
    }

    /// <summary>Gives places back. Wakes a waiting producer only once half of them are free: it then has a batch to write.</summary>
    private void Publish()
    {
        bool halfEmpty = ring.PublishHead();
        Interlocked.MemoryBarrier();
        if (halfEmpty) boundary.Room.Wake();
    }
}
