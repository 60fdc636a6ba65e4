using System.Diagnostics;
using System.Runtime.InteropServices;
using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>The slices of a parallel stage: its input fills them, lanes work on them, its output empties them in order.</summary>
/// <remarks>
/// Lists and counts are under <c>sync</c>. The inside of a slice belongs to its holder: the lane from <see cref="TryTake"/> until the
/// slice is done or overflows, then the output. The output may read before that the outputs that are ready. When the lane has waited for an
/// item for long (<see cref="Tick"/>), another one may take the items behind it. Waiters are woken outside of the lock.
/// </remarks>
internal sealed class ChunkBoard<TIn, TOut>(bool ordered, int capacity, int lanes, bool adapts)
{
    private const int LargestChunk = 512;
    private const int MaxHeldPerLane = 2048;
    private const int Overdue = 2;                   // ticks of the watchdog: most items wait shortly, and it would cost more to help
    private static readonly long TargetTicks = Stopwatch.Frequency / 20_000;         // 50 µs

    private readonly Lock sync = new();
    private readonly Queue<Chunk<TIn, TOut>> todo = new();
    private readonly ChunkList<TIn, TOut> output = new();         // by arrival if ordered; else those with something to push on
    private readonly List<Chunk<TIn, TOut>> working = [];         // those that lanes have taken
    private readonly List<Chunk<TIn, TOut>> overdue = [];         // those whose lane has waited for long, with items behind that one
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
            if (ordered) output.Add(chunk);
        }
    }

    public void Complete() => Volatile.Write(ref completed, true);

    /// <summary>Lane: takes the items behind one for which another lane has waited for long, or the next slice; unless too many outputs are
    /// held and the output must go first.</summary>
    /// <param name="chunk">The slice.</param>
    /// <param name="wantsInput">Whether it was the last one and there is room: the input is to go on, because the slice may take long, and
    /// the output may have nothing to remove meanwhile.</param>
    public bool TryTake(out Chunk<TIn, TOut> chunk, out bool wantsInput)
    {
        lock (sync)
        {
            chunk = null!;
            bool isTaken = (MayTakeRest && TakeRest(out chunk)) || (MayTake && todo.TryDequeue(out chunk!));
            if (isTaken)
            {
                (chunk.Place, chunk.Ticks) = (working.Count, 0);
                working.Add(chunk);
            }
            wantsInput = isTaken && todo.Count == 0 && items < capacity;
            return isTaken;
        }
    }

    /// <summary>Whether a lane could take a slice now.</summary>
    public bool HasWork
    {
        get
        {
            lock (sync) return MayTakeRest || (todo.Count > 0 && MayTake);
        }
    }

    /// <summary>Whether a lane waits for an item beside which there are others.</summary>
    public bool AreResting
    {
        get
        {
            lock (sync) return overdue.Count > 0 || working.Exists(static chunk => chunk.IsResting);
        }
    }

    private bool MayTakeRest => overdue.Count > 0 && held < maxHeld;

    /// <summary>The watchdog ticks. The outputs before an item for which a lane has waited for long may be pushed on, and other lanes may
    /// take the items behind it.</summary>
    /// <returns>Whether the output has something to do now, a lane, and the input.</returns>
    public (bool Output, bool Lane, bool Input) Tick()
    {
        bool hasOutput = false, wantsInput = false;
        lock (sync)
        {
            foreach (Chunk<TIn, TOut> chunk in working)
            {
                if (!chunk.IsResting || ++chunk.Ticks < Overdue || !chunk.TryHold()) continue;
                hasOutput |= Publish(chunk, chunk.Before);
                if (!ordered && chunk.At > chunk.Ended)          // in order, what has come out of them may be held here
                {
                    items -= chunk.At - chunk.Ended;
                    chunk.Ended = chunk.At;
                    wantsInput |= WantsInput;
                }
                if (chunk.At + 1 < chunk.Inputs.Count) overdue.Add(chunk);
            }
            return (hasOutput, MayTakeRest, wantsInput);
        }
    }

    // One-to-many stages could put out any number of items while an earlier slice takes its time, so lanes rest when too much is held.
    // The slice that is next in order may always be taken: nothing else can move on before it.
    private bool MayTake => held < maxHeld || output.First is not { } head || (todo.TryPeek(out Chunk<TIn, TOut>? next) && next == head);

    private bool CanEmit => output.First is { } head && (head.IsDone || head.Ready > head.Emitted || head.Overflow is not null);

    /// <summary>Lane: whether there are other items, or outputs, beside one that waits.</summary>
    public bool HasBeside(Chunk<TIn, TOut> chunk, int at, long before)
        => at + 1 < chunk.Inputs.Count || before > chunk.Ready || (!ordered && at > chunk.Ended);

    /// <summary>Lane: it goes on with the items of the slice that are still there.</summary>
    public void GoOn(Chunk<TIn, TOut> chunk)
    {
        if (!chunk.EndRest()) return;
        lock (sync) overdue.Remove(chunk);
    }

    /// <summary>Lane: the first outputs of a slice may be pushed on, because what puts them out is about to wait.</summary>
    /// <returns>Whether the output has something to do now.</returns>
    public bool Hand(Chunk<TIn, TOut> chunk, long ready)
    {
        lock (sync) return Publish(chunk, ready);
    }

    /// <summary>Lane: finishes a slice.</summary>
    /// <returns>Whether the output has something to do now.</returns>
    public bool Finish(Chunk<TIn, TOut> chunk, long ticks)
    {
        lock (sync)
        {
            chunk.IsDone = true;
            Chunk<TIn, TOut> moved = working[^1];
            working[moved.Place = chunk.Place] = moved;
            working.RemoveAt(working.Count - 1);
            held += chunk.Outputs.Count;
            if (adapts) Adapt(ticks, chunk.Inputs.Count);
            if (!chunk.IsListed) output.Add(chunk);
            return CanEmit;
        }
    }

    /// <summary>Lane: the slice holds as many outputs as allowed. Call it with the waiter armed.</summary>
    public void Overflow(Chunk<TIn, TOut> chunk, Waiter waiter)
    {
        lock (sync)
        {
            chunk.Overflow = waiter;
            Publish(chunk, chunk.Outputs.Total);
        }
    }

    /// <summary>Output: the next slice with outputs that can be pushed on.</summary>
    /// <param name="chunk">The slice.</param>
    /// <param name="upTo">The number of its outputs up to which they can.</param>
    /// <param name="isDone">Whether there will be no more; <see cref="Remove"/> follows, else <see cref="Emitted"/>.</param>
    public bool TryPeek(out Chunk<TIn, TOut> chunk, out long upTo, out bool isDone)
    {
        lock (sync)
        {
            (chunk, upTo, isDone) = (output.First!, 0, false);
            if (!CanEmit) return false;
            isDone = chunk.IsDone;
            upTo = isDone ? chunk.Outputs.Total : chunk.Ready;
            return true;
        }
    }

    /// <summary>Output: outputs of the first slice, which was not done, have been pushed on.</summary>
    /// <returns>The waiter of the lane, if it has waited for that.</returns>
    public Waiter? Emitted(Chunk<TIn, TOut> chunk, long upTo)
    {
        lock (sync)
        {
            chunk.Emitted = upTo;
            if (chunk.IsDone || chunk.Ready > upTo) return null;
            Waiter? waiter = chunk.Overflow;
            if (waiter is not null)
            {
                chunk.Outputs.Pass();
                chunk.Overflow = null;
            }
            if (!ordered) output.RemoveFirst();      // those behind it do not wait for the next output of this one
            return waiter;
        }
    }

    /// <summary>Output: removes the first slice, all of whose outputs have been pushed on.</summary>
    /// <returns>Whether the input is to go on: the board is at least half empty, or lanes have nothing to take.</returns>
    public bool Remove(Chunk<TIn, TOut> chunk)
    {
        lock (sync)
        {
            output.RemoveFirst();
            items -= chunk.Inputs.Count - chunk.Ended;
            held -= chunk.Outputs.Count;
            chunk.Clear();
            spare.Push(chunk);
            return WantsInput;
        }
    }

    /// <summary>Output: whether no slice is left.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (sync) return output.First is null && todo.Count == 0 && items == 0;
        }
    }

    private bool WantsInput => items <= capacity / 2 || todo.Count == 0;

    private bool Publish(Chunk<TIn, TOut> chunk, long ready)
    {
        chunk.Ready = Math.Max(chunk.Ready, ready);              // the item itself may have handed over more, and gone on
        if (!chunk.IsListed && (chunk.Ready > chunk.Emitted || chunk.Overflow is not null)) output.Add(chunk);
        return CanEmit;
    }

    private bool TakeRest(out Chunk<TIn, TOut> rest)
    {
        Chunk<TIn, TOut> chunk = overdue[0];
        overdue.RemoveAt(0);
        if (!spare.TryPop(out rest!)) rest = new();
        int from = chunk.At + 1, count = chunk.Inputs.Count - from;
        rest.Inputs.AddRange(CollectionsMarshal.AsSpan(chunk.Inputs)[from..]);
        chunk.Inputs.RemoveRange(from, count);
        if (ordered) output.AddBehind(chunk, rest);
        return true;
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
