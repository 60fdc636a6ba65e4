using System.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>The slices of a parallel stage: its input fills them, lanes work on them, its output empties them in order.</summary>
/// <remarks>
/// Queues and counts are under <c>sync</c>. The inside of a slice belongs to its holder: the lane from <see cref="TryTake"/> until the
/// slice is done or overflows, then the output. Waiters are woken outside of the lock.
/// </remarks>
internal sealed class ChunkBoard<TIn, TOut>(bool ordered, int capacity, int lanes, bool adapts)
{
    private const int LargestChunk = 512;
    private const int MaxHeldPerLane = 2048;
    private static readonly long TargetTicks = Stopwatch.Frequency / 20_000;         // 50 µs

    private readonly Lock sync = new();
    private readonly Queue<Chunk<TIn, TOut>> todo = new();
    private readonly Queue<Chunk<TIn, TOut>> output = new();      // by arrival if ordered, else by completion
    private readonly Stack<Chunk<TIn, TOut>> spare = new();
    private readonly int capacity = capacity;
    private readonly int maxHeld = Math.Max(capacity, lanes * MaxHeldPerLane);
    private int held;                                             // outputs of finished slices
    private double ticksPerItem = double.MaxValue / 2;
    private int items;
    private bool completed;

    /// <summary>The number of items for a new slice: about 50 µs of work, by the latest measurements.</summary>
    public int ChunkSize { get; private set; } = 1;

    /// <summary>The number of items between input and output. Any thread.</summary>
    public int Count => Volatile.Read(ref items);

    public bool IsFull => Volatile.Read(ref items) >= capacity;

    /// <summary>Input: whether there is room for more than another <paramref name="count"/> items.</summary>
    public bool HasRoomBeside(int count) => Volatile.Read(ref items) + count < capacity;

    public bool IsCompleted => Volatile.Read(ref completed);

    /// <summary>Input: a slice to fill.</summary>
    public Chunk<TIn, TOut> Rent()
    {
        lock (sync) return spare.TryPop(out Chunk<TIn, TOut>? chunk) ? chunk : new();
    }

    /// <summary>Input: hands a slice to the lanes.</summary>
    public void Dispatch(Chunk<TIn, TOut> chunk)
    {
        lock (sync)
        {
            items += chunk.Inputs.Count;
            todo.Enqueue(chunk);
            if (ordered) output.Enqueue(chunk);
        }
    }

    public void Complete() => Volatile.Write(ref completed, true);

    /// <summary>Lane: takes the next slice, unless too many outputs are held and the output must go first.</summary>
    /// <param name="chunk">The slice.</param>
    /// <param name="wantsInput">Whether it was the last one and there is room: the input is to go on, because the slice may take long, and
    /// the output may have nothing to remove meanwhile.</param>
    public bool TryTake(out Chunk<TIn, TOut> chunk, out bool wantsInput)
    {
        lock (sync)
        {
            chunk = null!;
            bool isTaken = MayTake && todo.TryDequeue(out chunk!);
            wantsInput = isTaken && todo.Count == 0 && items < capacity;
            return isTaken;
        }
    }

    /// <summary>Whether a lane could take a slice now.</summary>
    public bool HasWork
    {
        get
        {
            lock (sync) return todo.Count > 0 && MayTake;
        }
    }

    // One-to-many stages could put out any number of items while an earlier slice takes its time, so lanes rest when too much is held.
    // The slice that is next in order may always be taken: nothing else can move on before it.
    private bool MayTake => held < maxHeld || !output.TryPeek(out Chunk<TIn, TOut>? head)
        || (todo.TryPeek(out Chunk<TIn, TOut>? next) && next == head);

    /// <summary>Lane: finishes a slice.</summary>
    /// <returns>Whether the output has something to do now.</returns>
    public bool Finish(Chunk<TIn, TOut> chunk, long ticks)
    {
        lock (sync)
        {
            chunk.IsDone = true;
            held += chunk.Outputs.Count;
            if (adapts) Adapt(ticks, chunk.Inputs.Count);
            if (!ordered && chunk.Overflow is null) output.Enqueue(chunk);
            return output.TryPeek(out Chunk<TIn, TOut>? head) && head.IsDone;
        }
    }

    /// <summary>Lane: the slice holds as many outputs as allowed. Call it with the waiter armed.</summary>
    public void Overflow(Chunk<TIn, TOut> chunk, Waiter waiter)
    {
        lock (sync)
        {
            bool known = chunk.Overflow is not null;
            chunk.Overflow = waiter;
            if (!ordered && !known) output.Enqueue(chunk);
        }
    }

    /// <summary>Output: the next slice, if some of its outputs can be pushed on.</summary>
    public bool TryPeek(out Chunk<TIn, TOut> chunk)
    {
        lock (sync) return output.TryPeek(out chunk!) && (chunk.IsDone || chunk.Overflow is { IsArmed: true });
    }

    /// <summary>Output: removes the slice, all of whose outputs have been pushed on.</summary>
    /// <returns>Whether the input is to go on: the board is at least half empty, or lanes have nothing to take.</returns>
    public bool Remove(Chunk<TIn, TOut> chunk)
    {
        lock (sync)
        {
            output.Dequeue();
            items -= chunk.Inputs.Count;
            held -= chunk.Outputs.Count;
            chunk.Clear();
            spare.Push(chunk);
            return items <= capacity / 2 || todo.Count == 0;
        }
    }

    /// <summary>Output: whether no slice is left.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (sync) return output.Count == 0 && todo.Count == 0 && items == 0;
        }
    }

    /// <summary>
    /// Sizes slices by the time per item. The measured time includes waits for a core. So the estimate follows a faster slice
    /// at once, but a slower one in steps, unless it took very long.
    /// </summary>
    private void Adapt(long ticks, int count)
    {
        double measured = Math.Max(1.0, ticks) / count;
        ticksPerItem = ticks > TargetTicks * 40 ? measured : Math.Min(measured, ticksPerItem * 1.25);
        int largest = Math.Max(1, Math.Min(LargestChunk, capacity / 4));
        ChunkSize = (int)Math.Clamp(TargetTicks / ticksPerItem, 1, Math.Min(ChunkSize * 2, largest));
    }
}
