using System.Diagnostics;

namespace Sluice;

/// <summary>Where the chunks of a parallel stage stand: filled by the input, worked on by lanes, emptied in order by the output.</summary>
/// <remarks>
/// Locking rule: queues and counts under <c>sync</c>; the inside of a chunk belongs to whoever has it, which is the lane
/// from <see cref="TryTake"/> until it is done or overflows, and the output after that. Nobody is woken under the lock.
/// </remarks>
internal sealed class ChunkBoard<TIn, TOut>(bool ordered, int capacity, int lanes, bool adapts)
{
    private const int LargestChunk = 512;
    private const int MaxHeldPerLane = 2048;
    private static readonly long TargetTicks = Stopwatch.Frequency / 20_000;         // 50 µs

    private readonly Lock sync = new();
    private readonly Queue<Chunk<TIn, TOut>> todo = new();
    private readonly Queue<Chunk<TIn, TOut>> output = new();      // ordered: as they came in; else: as they were finished
    private readonly Stack<Chunk<TIn, TOut>> spare = new();
    private readonly int capacity = capacity;
    private readonly int maxHeld = Math.Max(capacity, lanes * MaxHeldPerLane);
    private int held;                                             // outputs of finished chunks
    private double ticksPerItem = double.MaxValue / 2;
    private int items;
    private bool completed;

    /// <summary>How many items a chunk should hold: about 50 µs of work; what was measured last decides.</summary>
    public int ChunkSize { get; private set; } = 1;

    /// <summary>Items between input and output; any thread.</summary>
    public int Count => Volatile.Read(ref items);

    public bool IsFull => Volatile.Read(ref items) >= capacity;

    /// <summary>Input: whether there is room for more than a chunk of so many items.</summary>
    public bool HasRoomBeside(int count) => Volatile.Read(ref items) + count < capacity;

    public bool IsCompleted => Volatile.Read(ref completed);

    /// <summary>Input: a chunk to fill.</summary>
    public Chunk<TIn, TOut> Rent()
    {
        lock (sync) return spare.TryPop(out Chunk<TIn, TOut>? chunk) ? chunk : new();
    }

    /// <summary>Input: the chunk may be worked on.</summary>
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

    /// <summary>Lane: the next chunk to work on, unless so much is held that the output is to go first.</summary>
    public bool TryTake(out Chunk<TIn, TOut> chunk)
    {
        lock (sync)
        {
            chunk = null!;
            return MayTake && todo.TryDequeue(out chunk!);
        }
    }

    /// <summary>Whether a lane could take something now.</summary>
    public bool HasWork
    {
        get
        {
            lock (sync) return todo.Count > 0 && MayTake;
        }
    }

    // Stages that make many items of one could put out any number while an earlier chunk takes its time. The one whose turn
    // it is may always be taken: until it has gone on, nothing else can.
    private bool MayTake => held < maxHeld || !output.TryPeek(out Chunk<TIn, TOut>? head) || (todo.TryPeek(out Chunk<TIn, TOut>? next) && next == head);

    /// <summary>Lane: done with it.</summary>
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

    /// <summary>Lane: the chunk has put out as much as may be held. Call with the waiter armed.</summary>
    public void Overflow(Chunk<TIn, TOut> chunk, Waiter waiter)
    {
        lock (sync)
        {
            bool known = chunk.Overflow is not null;
            chunk.Overflow = waiter;
            if (!ordered && !known) output.Enqueue(chunk);
        }
    }

    /// <summary>Output: the chunk whose turn it is, if something of it can go on.</summary>
    public bool TryPeek(out Chunk<TIn, TOut> chunk)
    {
        lock (sync) return output.TryPeek(out chunk!) && (chunk.IsDone || chunk.Overflow is { IsArmed: true });
    }

    /// <summary>Output: all of the chunk has gone on.</summary>
    /// <returns>Whether the board is at least half empty.</returns>
    public bool Remove(Chunk<TIn, TOut> chunk)
    {
        lock (sync)
        {
            output.Dequeue();
            items -= chunk.Inputs.Count;
            held -= chunk.Outputs.Count;
            chunk.Clear();
            spare.Push(chunk);
            return items <= capacity / 2;
        }
    }

    /// <summary>Output: nothing is left, and nothing will come.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (sync) return output.Count == 0 && todo.Count == 0 && items == 0;
        }
    }

    /// <summary>
    /// Sizes chunks by the time an item takes. What is measured includes waiting for a core, so the estimate follows a
    /// faster chunk at once and a slower one in steps; only a chunk that took very long is believed at once.
    /// </summary>
    private void Adapt(long ticks, int count)
    {
        double measured = Math.Max(1.0, ticks) / count;
        ticksPerItem = ticks > TargetTicks * 40 ? measured : Math.Min(measured, ticksPerItem * 1.25);
        int largest = Math.Max(1, Math.Min(LargestChunk, capacity / 4));
        ChunkSize = (int)Math.Clamp(TargetTicks / ticksPerItem, 1, Math.Min(ChunkSize * 2, largest));
    }
}
