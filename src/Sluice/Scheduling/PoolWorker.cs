namespace Sluice.Scheduling;

/// <summary>A call that holds a pool thread: the user code, and the work after it.</summary>
internal interface IWorkerCall : IThreadPoolWorkItem
{
    /// <summary>Calls user code. Never throws.</summary>
    void Call();

    /// <summary>Completes the call. Callers that wait may continue inside of it.</summary>
    void Finish();
}

/// <summary>
/// Runs calls that hold their thread on the thread pool. The thread of a call may continue with the next call of its run, if it has nothing
/// else to do.
/// </summary>
internal static class PoolWorker
{
    [ThreadStatic]
    private static object? finishing;                // the run whose call this thread is completing
    [ThreadStatic]
    private static IWorkerCall? next;

    /// <summary>Runs a call on this thread next, if possible; otherwise queues it.</summary>
    /// <param name="call">The call.</param>
    /// <param name="run">The run that it belongs to.</param>
    public static void Start(IWorkerCall call, object run)
    {
        if (next is null && ReferenceEquals(finishing, run)) next = call;
        else Queue(call);
    }

    /// <summary>
    /// Queues the next call of this thread, which is about to call user code instead: the next call must not wait for that.
    /// </summary>
    public static void Publish()
    {
        if (next is not { } call) return;
        next = null;
        Queue(call);
    }

    /// <summary>The body of <see cref="IThreadPoolWorkItem.Execute"/>.</summary>
    public static void Execute(IWorkerCall call, object run)
    {
        for (IWorkerCall? at = call; at is not null; next = null)
        {
            at.Call();
            finishing = run;
            at.Finish();
            finishing = null;
            at = next;
        }
    }

    private static void Queue(IWorkerCall call) => ThreadPool.UnsafeQueueUserWorkItem(call, preferLocal: true);
}
