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
internal static class Worker
{
    [ThreadStatic]
    private static object? finishing;                // the run whose call this thread has just made, while that is told
    [ThreadStatic]
    private static IWorkerCall? next;

    /// <param name="call">What to call.</param>
    /// <param name="run">What it is a part of.</param>
    /// <param name="mayFollow">
    /// Whether no user code is called between now and when the call that released this one has been told: only then may it wait for that on the thread where it is.
    /// </param>
    public static void Start(IWorkerCall call, object run, bool mayFollow)
    {
        if (mayFollow && next is null && ReferenceEquals(finishing, run)) next = call;
        else ThreadPool.UnsafeQueueUserWorkItem(call, preferLocal: false);
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
}
