namespace Sluice.Graphs;

/// <summary>
/// The state and value of a node in one resolve. A struct in an array, because every resolve has one per node: 16 bytes, so the reference
/// tells the state as well. Rare data is in <see cref="ResolveDetails"/>.
/// </summary>
/// <remarks>Written by the thread that runs the node. Its children are released after the write, so they see it.</remarks>
internal struct Slot
{
    // Null before the start. A task while pending. A mark where there is no value, or the value is in the bits. Otherwise the value: a
    // reference, or a boxed struct.
    private object? reference;
    private long bits;                               // the count, then the value if it fits; without a value, 0

    /// <summary>
    /// From the first suspension on, before the node starts: the number of parents that it waits for; then the next node on the stack of
    /// ready ones.
    /// </summary>
    [UnscopedRef]
    public ref int Waiting => ref Unsafe.As<long, int>(ref bits);

    /// <summary>The state; a value of a fallback counts as success (<see cref="NodeDetails.HasFallenBack"/>).</summary>
    public readonly NodeStatus Status => Volatile.Read(in reference) switch
    {
        null => NodeStatus.NotStarted,
        Mark mark => mark.Status,
        Task => NodeStatus.Running,
        _ => NodeStatus.Succeeded,
    };

    public readonly bool HasValue => Status == NodeStatus.Succeeded;

    public void Run() => reference = Mark.Running;

    /// <summary>Ends the node with a value.</summary>
    public void Set<T>(T? value)
    {
        if (FitsBits<T>())
        {
            Unsafe.As<long, T?>(ref bits) = value;
            Volatile.Write(ref reference, Mark.InBits);
            return;
        }
        object? boxed = value;
        if (boxed is null) boxed = Mark.Null;
        else if (!typeof(T).IsValueType && boxed is Task) boxed = new TaskAsValue(boxed);
        Volatile.Write(ref reference, boxed);
    }

    /// <summary>Sets a state without a value.</summary>
    public void End(NodeStatus status)
    {
        bits = 0;
        Volatile.Write(ref reference, Mark.Of(status));
    }

    /// <summary>Holds the task of a suspended node.</summary>
    public void Hold(Task task) => Volatile.Write(ref reference, task);

    /// <returns>The task if it has ended, and no other thread has claimed the node; otherwise null. Thread-safe.</returns>
    public Task? TryClaim()
        => Volatile.Read(ref reference) is Task { IsCompleted: true } task
        && ReferenceEquals(Interlocked.CompareExchange(ref reference, Mark.Running, task), task) ? task : null;

    /// <param name="slot">The slot of an ended node whose type is exactly <typeparamref name="T"/>; without a value, the result is the
    /// default.</param>
    public static T? Get<T>(ref Slot slot)
    {
        if (FitsBits<T>()) return Unsafe.As<long, T?>(ref slot.bits);
        object? value = slot.reference;
        if (value is Mark) return default;
        if (typeof(T).IsValueType) return value is null ? default : (T)value;
        if (value is TaskAsValue task) value = task.Value;
        return Unsafe.As<object?, T?>(ref value);
    }

    // A constant for each T: the JIT removes the test.
    private static bool FitsBits<T>() => typeof(T).IsValueType && !RuntimeHelpers.IsReferenceOrContainsReferences<T>()
        && Unsafe.SizeOf<T>() <= sizeof(long);

    /// <summary>
    /// Stands for a state, or for a value that is no reference of its own. Immutable. Without references and made in the fields, so that
    /// the runtime keeps them where writing a reference to them costs nothing.
    /// </summary>
    private sealed class Mark(NodeStatus status)
    {
        public static readonly Mark Running = new(NodeStatus.Running);
        public static readonly Mark InBits = new(NodeStatus.Succeeded);
        public static readonly Mark Null = new(NodeStatus.Succeeded);

        private static readonly Mark[] All = Array.ConvertAll(Enum.GetValues<NodeStatus>(), status => new Mark(status));

        public NodeStatus Status => status;

        public static Mark Of(NodeStatus status) => All[(int)status];
    }

    /// <summary>A value that is a task, and must not look like the task of a pending node.</summary>
    private sealed class TaskAsValue(object value)
    {
        public object Value => value;
    }
}
