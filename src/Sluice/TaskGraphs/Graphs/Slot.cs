using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>What became of a node in one resolve. A value in an array, because there is one for each node of every resolve; what few nodes have is apart (<see cref="ResolveDetails"/>).</summary>
/// <remarks>Written by whoever runs the node; what is written is seen by its children, who are released after it.</remarks>
internal struct Slot
{
    private const int IsPending = -1;                // running, but nobody is on it until its task has ended

    private object? reference;                       // the task while it is pending; then what does not fit below: references, and larger values in a box
    private long bits;                               // written by reference only
    private volatile int status;                     // whoever sees it sees what was written before it

    /// <summary>From the first suspension on: how many parents the node waits for; then the next node on the stack of ready ones.</summary>
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

    /// <summary>What the node waits for.</summary>
    public void Hold(Task task)
    {
        reference = task;
        status = IsPending;
    }

    /// <returns>Whether what the node waited for has ended, and nobody else has claimed it. Any thread.</returns>
    public bool TryClaim()
        => status == IsPending && reference is Task { IsCompleted: true } && Interlocked.CompareExchange(ref status, (int)NodeStatus.Running, IsPending) == IsPending;

    /// <summary>By whoever has claimed it.</summary>
    public Task<T> TakeTask<T>()
    {
        var task = Unsafe.As<Task<T>>(reference!);
        reference = null;
        return task;
    }

    /// <param name="slot">Of a node that has ended, and produces exactly <typeparamref name="T"/>; the default if it has produced nothing.</param>
    public static T? Get<T>(ref Slot slot)
    {
        if (FitsBits<T>()) return Unsafe.As<long, T?>(ref slot.bits);
        if (typeof(T).IsValueType) return slot.reference is null ? default : (T)slot.reference;
        return Unsafe.As<object?, T?>(ref slot.reference);
    }

    // Known to the compiler of each T: no test remains.
    private static bool FitsBits<T>() => typeof(T).IsValueType && !RuntimeHelpers.IsReferenceOrContainsReferences<T>() && Unsafe.SizeOf<T>() <= sizeof(long);
}
