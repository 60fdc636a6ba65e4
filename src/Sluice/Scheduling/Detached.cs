namespace Sluice.Scheduling;

/// <summary>
/// Begins work in the empty execution context, without the <see cref="AsyncLocal{T}"/> values and the current activity of the caller: work
/// that outlives the call that begins it, or serves several callers.
/// </summary>
internal static class Detached
{
    private static readonly ExecutionContext Empty = Capture();

    /// <summary>Calls a function in the empty context. The caller's context is the same afterwards.</summary>
    public static T Run<T>(Func<T> begin)
    {
        T begun = default!;
        ExecutionContext.Run(Empty, _ => begun = begin(), null);
        return begun;
    }

    // Only a thread that was started without a context has the empty one.
    private static ExecutionContext Capture()
    {
        ExecutionContext? captured = null;
        var thread = new Thread(() => captured = ExecutionContext.Capture()) { IsBackground = true, Name = "sluice context" };
        thread.UnsafeStart();
        thread.Join();
        return captured!;
    }
}
