namespace Sluice.Graphs;

/// <summary>
/// The state and value of a node in one resolve. A struct in an array, because every resolve has one per node; rare data is in
/// <see cref="ResolveDetails"/>.
/// </summary>
/// <remarks>Written by the thread that runs the node. Its children are released after the write, so they see it.</remarks>
internal struct Slot
{
    private const int IsPending = -1;                // running, and no thread works on it until its task has ended

    // The task while pending; then a value that does not fit into bits: a reference, or a boxed struct.
    private object? reference;
    private long bits;                               // written by reference only
    private volatile int status;                     // volatile: publishes the writes before it

    /// <summary>
    /// From the first suspension on: the number of parents that the node waits for; then the next node on the stack of ready ones.
    /// </summary>
    public int Waiting;

    public NodeStatus Status
    {
        readonly get => status == IsPending ? NodeStatus.Running : (NodeStatus)status;
        set => status = (int)value;
    }

    public readonly bool HasValue => Status is NodeStatus.Succeeded or NodeStatus.FellBack;

    public void Set<T>(T? value)
    {
        if (FitsBits<T>()) Unsafe.As<long, T?>(ref bits) = value;
        else reference = value;
    }

    /// <summary>Holds the task of a suspended node.</summary>
    public void Hold(Task task)
    {
        reference = task;
        status = IsPending;
    }

    /// <returns>Whether the task has ended, and no other thread has claimed the node. Thread-safe.</returns>
    public bool TryClaim()
        => status == IsPending && reference is Task { IsCompleted: true }
        && Interlocked.CompareExchange(ref status, (int)NodeStatus.Running, IsPending) == IsPending;

    /// <summary>Takes the task; for the thread that has claimed the node.</summary>
    public Task<T> TakeTask<T>()
    {
        var task = Unsafe.As<Task<T>>(reference!);
        reference = null;
        return task;
    }

    /// <param name="slot">The slot of an ended node whose type is exactly <typeparamref name="T"/>; without a value, the result is the
    /// default.</param>
    public static T? Get<T>(ref Slot slot)
    {
        if (FitsBits<T>()) return Unsafe.As<long, T?>(ref slot.bits);
        if (typeof(T).IsValueType) return slot.reference is null ? default : (T)slot.reference;
        return Unsafe.As<object?, T?>(ref slot.reference);
    }

    // A constant for each T: the JIT removes the test.
    private static bool FitsBits<T>() => typeof(T).IsValueType && !RuntimeHelpers.IsReferenceOrContainsReferences<T>()
        && Unsafe.SizeOf<T>() <= sizeof(long);
}
