namespace Sluice;

/// <summary>A call that takes a thread of the pool: what it computes, and what comes after it.</summary>
internal interface IWorkerCall : IThreadPoolWorkItem
{
    /// <summary>Calls user code. Does not throw.</summary>
    void Call();

    /// <summary>Tells whoever waits, who may go on here and now.</summary>
    void Finish();
}

/// <summary>Threads of the pool that call functions which hold their thread. The thread of a call may go on with the next one of the same run, if nothing else is to be done by then.</summary>
internal static class PoolWorker
{
    [ThreadStatic]
    private static object? finishing;                // the run whose call this thread has just made, while that is told
    [ThreadStatic]
    private static IWorkerCall? next;

    /// <param name="call">What to call.</param>
    /// <param name="run">What it is a part of.</param>
    public static void Start(IWorkerCall call, object run)
    {
        if (next is null && ReferenceEquals(finishing, run)) next = call;
        else Queue(call);
    }

    /// <summary>This thread is about to call user code: what it was to go on with had better not wait for that.</summary>
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

    private static void Queue(IWorkerCall call) => ThreadPool.UnsafeQueueUserWorkItem(call, preferLocal: false);
}
