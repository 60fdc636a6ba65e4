namespace Sluice;

/// <summary>Where accepted items wait in a consecutor without a store: in segments, which producers fill and the pump takes whole.</summary>
/// <remarks>Thread-safe. A segment that is being filled belongs to whoever rented it; those in the queue are under the lock.</remarks>
internal sealed class LocalIntake<T>(ConsecutorCore core)
{
    private const int MaxQueuedByProducers = 16;

    private readonly Lock sync = new();
    private readonly Queue<LocalSegment<T>> queue = new();
    private readonly Stack<LocalSegment<T>> unused = new();
    private LocalSegment<T>? open;                   // the last one in the queue, while single items are added to it
    private TaskCompletionSource room = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long waiting;
    private volatile bool isHungry;

    /// <summary>Whether the pump has nothing to do: then what is at hand is published, full or not.</summary>
    public bool IsHungry
    {
        get => isHungry;
        set => isHungry = value;
    }

    public bool HasItems
    {
        get { lock (sync) return queue.Count > 0; }
    }

    public LocalSegment<T> Rent()
    {
        lock (sync) return unused.TryPop(out LocalSegment<T>? segment) ? segment : new();
    }

    /// <summary>Accepts what is in a segment, which is not the caller's any more.</summary>
    /// <returns>Null, or what to wait for before the next one.</returns>
    public Task? Publish(LocalSegment<T> segment)
    {
        Task? full;
        core.Books.Accept(segment.Count);
        lock (sync)
        {
            open = null;
            queue.Enqueue(segment);
            waiting += segment.Count;
            full = queue.Count >= MaxQueuedByProducers ? room.Task : null;
        }
        isHungry = false;
        core.Changed();
        return full;
    }

    /// <summary>Accepts one item, if the bound allows.</summary>
    /// <returns>Null if it is accepted; else what to wait for.</returns>
    public Task? TryAdd(T item)
    {
        lock (sync)
        {
            if (waiting >= core.Options.Stream.MaxItems) return room.Task;
            if (open is null || open.IsFull)
            {
                open = unused.TryPop(out LocalSegment<T>? segment) ? segment : new();
                queue.Enqueue(open);
            }
            open.Add(item);
            waiting++;
            core.Books.Accept(1);
        }
        core.Changed();
        return null;
    }

    public LocalSegment<T>? TryTake()
    {
        TaskCompletionSource? freed = null;
        LocalSegment<T>? segment;
        lock (sync)
        {
            if (!queue.TryDequeue(out segment)) return null;
            if (segment == open) open = null;
            waiting -= segment.Count;
            if (queue.Count == MaxQueuedByProducers / 2 || queue.Count == 0)
            {
                freed = room;
                room = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
        freed?.TrySetResult();
        return segment;
    }

    public void Return(LocalSegment<T> segment)
    {
        segment.Clear();
        lock (sync)
        {
            if (unused.Count < MaxQueuedByProducers) unused.Push(segment);
        }
    }
}

/// <summary>Some items, in order.</summary>
internal sealed class LocalSegment<T>
{
    public const int Length = 512;

    private readonly T[] items = new T[Length];

    public int Count { get; private set; }

    public bool IsFull => Count == Length;

    public T[] Items => items;

    public void Add(T item) => items[Count++] = item;

    public void Clear()
    {
        if (System.Runtime.CompilerServices.RuntimeHelpers.IsReferenceOrContainsReferences<T>()) Array.Clear(items, 0, Count);
        Count = 0;
    }
}
